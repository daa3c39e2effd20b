using System.Text.Json;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.EndToEnd.Tests;

public sealed class VerifySpec
{
    private static string Tiny => Path.Combine(AppContext.BaseDirectory, "Goldens", "mixtral-tiny");

    [Theory]
    [InlineData("tiny")]
    [InlineData("folio-moe")]
    [InlineData("folio-moe-skewed")]
    public async Task Every_reference_answer_is_met_with_the_same_bits_on_one_and_three_nodes(string model)
    {
        var hashes = new List<string?>();
        foreach (var nodes in new[] { "1", "3" })
        {
            var (code, json) = await CliProcess.RunJsonAsync("verify", model == "tiny" ? Tiny : model, "--nodes", nodes);
            code.Should().Be(0, json.ToString());
            json.GetProperty("checks").EnumerateArray().Should().OnlyContain(c => c.GetProperty("pass").GetBoolean());
            json.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("name").GetString()).Should().Contain("generated");
            hashes.Add(json.GetProperty("logitsSha256").GetString());
        }

        hashes[1].Should().Be(hashes[0]);
    }

    [Fact]
    public async Task A_reference_that_differs_fails_and_is_named()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        Change(directory.Of("golden.safetensors"), "router_logits.1", 6);
        var (code, json) = await CliProcess.RunJsonAsync("verify", directory.Path);
        code.Should().Be(1);
        Failed(json).Should().Equal("router_logits.1");
    }

    [Fact]
    public async Task A_generated_token_that_differs_fails()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        Change(directory.Of("golden.safetensors"), "generated", 40 * sizeof(long));
        var (code, json) = await CliProcess.RunJsonAsync("verify", directory.Path);
        code.Should().Be(1);
        Failed(json).Should().Equal("generated");
    }

    [Fact]
    public async Task A_golden_tensor_nobody_knows_is_an_error()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        var path = directory.Of("golden.safetensors");
        var bytes = File.ReadAllBytes(path);
        var at = bytes.AsSpan().IndexOf("aux_loss"u8);
        "sux_loss"u8.CopyTo(bytes.AsSpan(at));
        File.WriteAllBytes(path, bytes);
        var (code, _, error) = await CliProcess.RunAsync("verify", directory.Path);
        code.Should().Be(2);
        error.Should().Contain("sux_loss").And.Contain("golden.safetensors");
    }

    private static IEnumerable<string?> Failed(JsonElement json) => json.GetProperty("checks").EnumerateArray()
        .Where(c => !c.GetProperty("pass").GetBoolean()).Select(c => c.GetProperty("name").GetString());

    /// <summary>Flips a bit that matters in one byte of a tensor.</summary>
    private static void Change(string path, string tensor, int offset)
    {
        var bytes = File.ReadAllBytes(path);
        int start;
        using (var file = SafetensorsFile.Open(path))
        {
            start = bytes.AsSpan().IndexOf(file.Raw(tensor));
        }

        bytes[start + offset] ^= 0x04;
        File.WriteAllBytes(path, bytes);
    }
}
