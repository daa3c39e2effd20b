using System.Text.Json;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>Form of <c>drill</c>, and that a kill with two copies costs no answer; times are for whoever measures.</summary>
public sealed class DrillSpec
{
    public static TheoryData<string[], string> Calls => new()
    {
        { ["earthquake"], "no scenario 'earthquake'" },
        { ["kill", "--seconds", "0"], "--seconds is 0" },
        { ["kill", "--answers", "0"], "--answers is 0" },
        { ["kill", "--copies", "4"], "--copies is 4" },
        { ["kill", "--load-share", "2"], "--load-share is 2" },
        { ["kill", "--seed", "-1"], "--seed is -1" },
        { ["kill", "--model", "nobody"], "'nobody' is no directory" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_wrong_call_is_told_in_one_line(string[] arguments, string named)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals.");
        var (code, output, error) = await CliProcess.RunAsync(["drill", .. arguments]);
        code.Should().Be(2);
        error.Trim().Split('\n').Where(line => line.StartsWith("error:")).Should().ContainSingle().Which.Should().Contain(named);
        output.Should().BeEmpty();
    }

    [Fact]
    public async Task A_node_that_is_killed_costs_no_answer_where_each_expert_has_two_copies()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals.");
        var (code, json) = await CliProcess.RunJsonAsync(
            "drill", "kill", "--copies", "2", "--seconds", "2", "--answers", "20", "--clients", "2", "--seed", "7", "--max-gap", "30", "--max-coverage", "60");
        json.EnumerateObject().Last().Name.Should().Be("checks");
        json.GetProperty("checks").EnumerateArray().Where(c => !c.GetProperty("pass").GetBoolean()).Select(c => c.ToString()).Should().BeEmpty();
        code.Should().Be(0);
        json.GetProperty("seed").GetInt32().Should().Be(7);
        json.GetProperty("checks")[0].GetProperty("limit").GetInt32().Should().Be(20, "fewer answers than usual are told");
        json.GetProperty("epochsSeen").GetInt32().Should().BePositive("two writers of an epoch can only be seen where epochs are");
        var phases = json.GetProperty("figures").GetProperty("phases").EnumerateArray().ToArray();
        phases.Select(p => p.GetProperty("name").GetString()).Should().Equal("control", "during", "after");
        phases.Should().OnlyContain(p => p.GetProperty("answered").GetInt32() >= 20 && p.GetProperty("wrong").GetInt32() == 0);
        json.GetProperty("machine").GetProperty("cores").GetInt32().Should().Be(Environment.ProcessorCount);
        json.GetProperty("nodes").EnumerateArray().Single(n => n.GetProperty("name").GetString() == "expert-2").GetProperty("exitCode").ValueKind
            .Should().Be(JsonValueKind.Number);
    }
}
