using System.Text.Json;

namespace ExpertCluster.EndToEnd.Tests;

public sealed class PlanSpec
{
    private const string Header = """{"trace":"expertcluster-router","version":1,"model":"m","layers":[0,3],"experts":4,"expert_bytes":1000}""";

    private static string Golden => Path.Combine(AppContext.BaseDirectory, "Goldens", "eplb.json");

    public static TheoryData<string, string> BadLoads => new()
    {
        { """[{"load":[[1,2]],"replicas":2,"groups":1,"nodes":1,"gpus":2},{"load":[[1,2],[3,-4]],"replicas":2,"groups":1,"nodes":1,"gpus":2}]""", "case 1: load[1][1] is negative" },
        { """{"load":[[1,2],[3]],"replicas":2,"groups":1,"nodes":1,"gpus":2}""", "case 0: load[1] has 1 values; it must have 2" },
        { """{"load":[[1,"x"]],"replicas":2,"groups":1,"nodes":1,"gpus":2}""", "case 0: load[0][1] is \"x\", not a number" },
        { """{"load":[[1,2]],"replicas":1,"groups":1,"nodes":1,"gpus":2}""", "case 0: replicas is 1; it must be a whole number from 2" },
        { """{"load":[[1,2]],"replicas":2,"groups":1,"nodes":1}""", "case 0: gpus is missing" },
        { """{"load":[[1,2]],"replicas":2,"groups":1,"nodes":1,"gpus":2,"present":[[0,2]]}""", "case 0: present[0][1] is 2" },
        { """{"load":[[1,2]],"replicas":2,"groups":1,"nodes":1,"gpus":2,"load_next":[[1,2],[1,2]]}""", "case 0: load_next has 2 values; it must have 1" },
        { "[]", "the list holds no case" },
        { "[{", "not JSON" },
    };

    public static TheoryData<string, string> BadTraces => new()
    {
        { "", "the file is empty" },
        { """{"trace":"other"}""" + "\n", "line 1: it must begin a trace" },
        { """{"trace":"expertcluster-router","version":2}""" + "\n", "line 1: version is 2" },
        { Header + "\n" + """{"t":1,"layer":1,"prefill":[1,1,1,1],"decode":[1,1,1,1]}""" + "\n", "line 2: layer is 1, which the first line does not name" },
        { Header + "\n" + """{"t":1,"layer":0,"prefill":[1,1,1],"decode":[1,1,1,1]}""" + "\n", "line 2: prefill has 3 values; it must have 4" },
        { Header + "\n" + """{"t":1,"layer":0,"prefill":[1,1,1,1],"decode":[1,1,-1,1]}""" + "\n", "line 2: decode[2] is negative" },
        { Header + "\nno json\n" + """{"t":1,"layer":0,"prefill":[1,1,1,1],"decode":[1,1,1,1]}""" + "\n", "line 2: not JSON" },
    };

    [Fact]
    public async Task Every_case_of_EPLB_is_balanced_at_least_as_well()
    {
        var (code, json) = await CliProcess.RunJsonAsync("plan", Golden);
        code.Should().Be(0, json.ToString());
        json.GetProperty("checks").EnumerateArray().Should().HaveCountGreaterThan(100).And.OnlyContain(c => c.GetProperty("pass").GetBoolean());
    }

    [Fact]
    public async Task Moves_are_counted_from_what_is_there()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.Of("loads.json");
        await File.WriteAllTextAsync(
            path, """{"load":[[9,9,1,1]],"replicas":4,"groups":1,"nodes":1,"gpus":2,"present":[[0,1,2,3]]}""", TestContext.Current.CancellationToken);
        var (code, json) = await CliProcess.RunJsonAsync("plan", path, "--slots");
        code.Should().Be(0, json.ToString());
        var plan = json.GetProperty("plans").EnumerateArray().Single();
        plan.GetProperty("moves").GetInt32().Should().Be(2);
        plan.GetProperty("balancednessMean").GetDouble().Should().Be(1);
        plan.GetProperty("slots")[0].EnumerateArray().Select(s => s.GetInt32()).Order().Should().Equal(0, 1, 2, 3);
    }

    [Theory]
    [MemberData(nameof(BadLoads))]
    public async Task A_bad_file_of_loads_is_refused_by_case_and_key(string content, string problem) => await Refused(content, problem, "loads.json", "plan");

    [Theory]
    [MemberData(nameof(BadTraces))]
    public async Task A_bad_trace_is_refused_by_its_line(string content, string problem) => await Refused(content, problem, "trace.jsonl", "plan", "--replay");

    [Theory]
    [InlineData("--devices", "0")]
    [InlineData("--policy", "best")]
    [InlineData("--interval", "-1")]
    [InlineData("--min-gain", "2")]
    public async Task A_bad_option_of_a_replay_is_refused_by_name(string option, string value)
    {
        var (code, _, error) = await CliProcess.RunAsync("plan", "--replay", "trace.jsonl", option, value);
        code.Should().Be(2);
        error.Should().Contain(option).And.Contain(value);
    }

    [Fact]
    public async Task Neither_loads_nor_a_trace_is_an_error_of_the_call()
    {
        var (code, _, error) = await CliProcess.RunAsync("plan");
        code.Should().Be(2);
        error.Should().Contain("--replay");
    }

    [Fact]
    public async Task A_lasting_skew_is_worth_moving_for_and_a_cut_off_line_is_read_past()
    {
        using var directory = new TemporaryDirectory();
        var (code, json, error) = await Replay(directory, [40_000, 100, 30_000, 100], 40, "{\"t\":4");
        code.Should().Be(0, json.ToString());
        error.Should().Contain("trace.jsonl: line 82 is cut off");
        json.GetProperty("verdict").GetString().Should().StartWith("worth it");
        var policies = json.GetProperty("policies").EnumerateArray().ToDictionary(p => p.GetProperty("policy").GetString()!);
        policies.Keys.Should().Contain(["never", "eplb", "balanced", "replicate-top", "shadow"]);
        policies["balanced"].GetProperty("saved").GetDouble().Should().BeGreaterThan(0.1);
        policies["balanced"].GetProperty("bytes").GetInt64().Should().Be(1000 * policies["balanced"].GetProperty("moves").GetInt64());
    }

    [Fact]
    public async Task An_even_load_is_not_worth_moving_for()
    {
        using var directory = new TemporaryDirectory();
        var (code, json, _) = await Replay(directory, [1000, 1000, 1000, 1000], 40, "");
        code.Should().Be(0, json.ToString());
        json.GetProperty("verdict").GetString().Should().StartWith("not worth it");
    }

    [Fact]
    public async Task A_short_recording_is_not_enough_to_judge_by()
    {
        using var directory = new TemporaryDirectory();
        var (_, json, _) = await Replay(directory, [4, 1, 3, 1], 3, "");
        json.GetProperty("verdict").GetString().Should().StartWith("not enough data");
    }

    private static async Task<(int Code, JsonElement Json, string Error)> Replay(TemporaryDirectory directory, int[] rows, int seconds, string end)
    {
        var path = directory.Of("trace.jsonl");
        var counts = string.Join(",", rows);
        var lines = Enumerable.Range(1, seconds).SelectMany(t => new[] { 0, 3 }.Select(layer =>
            $$"""{"t":{{t}},"layer":{{layer}},"prefill":[{{counts}}],"decode":[0,1,0,1]}"""));
        await File.WriteAllTextAsync(path, string.Join("\n", [Header, .. lines, end]), TestContext.Current.CancellationToken);
        var (code, output, error) = await CliProcess.RunAsync("plan", "--replay", path, "--devices", "2", "--slots-per-layer", "3", "--json");
        return (code, JsonDocument.Parse(output).RootElement, error);
    }

    private static async Task Refused(string content, string problem, string name, params string[] command)
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.Of(name), content, TestContext.Current.CancellationToken);
        var (code, _, error) = await CliProcess.RunAsync([.. command, directory.Of(name)]);
        code.Should().Be(2);
        error.Should().Contain($"{name}: {problem}").And.NotContain("   at ");
        error.Trim().Split('\n').Should().ContainSingle();
    }
}
