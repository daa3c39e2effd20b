using System.Text.Json;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>Form of <c>bench lane</c>; its speeds are for whoever measures.</summary>
public sealed class BenchLaneSpec
{
    public static TheoryData<string[], string> Calls => new()
    {
        { ["--sizes", ""], "--sizes is empty" },
        { ["--sizes", "64"], "--sizes has '64'" },
        { ["--sizes", "3KiB"], "--sizes has '3KiB'" },
        { ["--sizes", "2MiB"], "--sizes has '2MiB'" },
        { ["--sizes", "1KiB,-1KiB"], "--sizes has '-1KiB'" },
        { ["--rounds", "0"], "--rounds is 0" },
        { ["--round-seconds", "NaN"], "--round-seconds is NaN" },
        { ["--chaos", "--seconds", "3"], "--seconds is 3" },
        { ["--chaos", "--seed", "-1"], "--seed is -1" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_wrong_option_is_told_in_one_line(string[] arguments, string named)
    {
        var (code, output, error) = await CliProcess.RunAsync(["bench", "lane", .. arguments]);
        code.Should().Be(2);
        error.Trim().Split('\n').Should().ContainSingle().Which.Should().StartWith("error:").And.Contain(named);
        output.Should().BeEmpty();
    }

    [Fact]
    public async Task Four_ways_are_compared_and_the_exit_code_is_that_of_the_checks()
    {
        var (code, json) = await CliProcess.RunJsonAsync("bench", "lane", "--sizes", "1KiB,64KiB", "--rounds", "1", "--round-seconds", "0.05");
        json.EnumerateObject().Last().Name.Should().Be("checks");
        var checks = json.GetProperty("checks").EnumerateArray().ToArray();
        checks.Should().HaveCount(6);
        code.Should().Be(checks.All(check => check.GetProperty("pass").GetBoolean()) ? 0 : 1);
        var rows = json.GetProperty("rows").EnumerateArray().ToArray();
        rows.Select(row => row.GetProperty("bytes").GetInt32()).Should().Equal(1024, 64 * 1024);
        foreach (var name in new[] { "megabytesPerSecond", "pingMicroseconds" })
        {
            rows.Should().OnlyContain(row => row.GetProperty(name).GetArrayLength() == 4);
            rows.SelectMany(row => row.GetProperty(name).EnumerateArray()).Should().OnlyContain(value => value.GetDouble() > 0);
        }

        json.GetProperty("machine").GetProperty("cores").GetInt32().Should().Be(Environment.ProcessorCount);
        json.GetProperty("idleGapMs").ValueKind.Should().Be(JsonValueKind.Number);
    }

    [Fact]
    public async Task A_few_seconds_of_chaos_leave_no_wrong_answer_no_unfinished_call_and_nothing_behind()
    {
        var (code, json) = await CliProcess.RunJsonAsync("bench", "lane", "--chaos", "--seconds", "5", "--seed", "7");
        json.EnumerateObject().Last().Name.Should().Be("checks");
        var checks = json.GetProperty("checks").EnumerateArray().ToArray();
        checks.Where(check => !check.GetProperty("pass").GetBoolean()).Select(check => check.ToString()).Should().BeEmpty("that is seed 7");
        checks.Select(check => check.GetProperty("name").GetString()).Should().Contain(["wrong answers", "sockets left", "bad connections not dropped"]);
        code.Should().Be(0);
        json.GetProperty("seed").GetInt32().Should().Be(7);
        json.GetProperty("processes").EnumerateArray().Should().HaveCount(4);
        json.GetProperty("processes").EnumerateArray().Should().OnlyContain(process => process.GetProperty("calls").GetInt64() > 0);
    }
}
