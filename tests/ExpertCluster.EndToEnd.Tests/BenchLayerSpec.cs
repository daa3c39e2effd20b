namespace ExpertCluster.EndToEnd.Tests;

/// <summary>Form of <c>bench layer</c> and its agreement with itself; its speeds are for whoever measures.</summary>
public sealed class BenchLayerSpec
{
    public static TheoryData<string[], string> Calls => new()
    {
        { ["--device", "gpu"], "--device is 'gpu'" },
        { ["--device", "cuda:x"], "--device is 'cuda:x'" },
        { ["--device", ""], "--device is ''" },
        { ["--dtype", "float16"], "--dtype is 'float16'" },
        { ["--device-bandwidth", "0"], "--device-bandwidth is 0" },
        { ["--device-bandwidth", "NaN"], "--device-bandwidth is NaN" },
        { ["--device-flops", "-1"], "--device-flops is -1" },
        { ["--device", "cuda:77"], "--device cuda:77: Device 'cuda:77'" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_wrong_option_is_told_in_one_line(string[] arguments, string named)
    {
        var (code, output, error) = await CliProcess.RunAsync(["bench", "layer", .. arguments]);
        code.Should().Be(2);
        error.Trim().Split('\n').Should().ContainSingle().Which.Should().StartWith("error:").And.Contain(named);
        output.Should().BeEmpty();
    }

    [Fact]
    public async Task In_bfloat16_on_the_cpu_one_script_and_a_cluster_agree_within_the_rounding()
    {
        var (code, json) = await CliProcess.RunJsonAsync(
            "bench", "layer", "--device", "cpu", "--dtype", "bf16", "--hidden", "64", "--ffn", "48", "--experts", "4", "--top-k", "2", "--tokens", "1,9",
            "--rounds", "1", "--nodes", "2", "--direct-threads", "1");
        code.Should().Be(0);
        var rows = json.GetProperty("rows").EnumerateArray().ToArray();
        rows.Should().HaveCount(2);
        foreach (var name in new[] { "directMs", "clusterMs", "bareMs" })
        {
            rows.Should().OnlyContain(row => row.GetProperty(name).GetDouble() > 0);
        }

        rows.Should().OnlyContain(row => row.GetProperty("difference").GetDouble() < 0.03);
        rows.Max(row => row.GetProperty("difference").GetDouble()).Should().BePositive("both round, at other places");
        json.GetProperty("settings").GetProperty("dtype").GetString().Should().Be("bf16");
        json.GetProperty("checks").EnumerateArray().Should().NotBeEmpty();
    }
}
