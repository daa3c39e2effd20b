using System.Text.Json;
using ExpertCluster.Cli.Benchmarks;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>Form and answers of <c>bench generate</c>; its speeds are for whoever measures.</summary>
public sealed class BenchGenerateSpec
{
    private static string Folio => Path.Combine(AppContext.BaseDirectory, "config", "models", "folio-moe");

    public static TheoryData<string[], string> Calls => new()
    {
        { ["--concurrency", ""], "--concurrency has ''" },
        { ["--concurrency", "1,x"], "--concurrency has 'x'" },
        { ["--concurrency", "1,,8"], "--concurrency has ''" },
        { ["--concurrency", "0"], "--concurrency has '0'" },
        { ["--concurrency", "257"], "--concurrency has '257'" },
        { ["--concurrency", "-1"], "--concurrency has '-1'" },
        { ["--concurrency", "8,1,8"], "--concurrency has 8 twice" },
        { ["--max-tokens", "1"], "--max-tokens is 1" },
        { ["--max-tokens", "465"], "leaves room for 464" },
        { ["--rounds", "0"], "--rounds is 0" },
        { ["--nodes", "0"], "--nodes is 0" },
        { ["--threads", "0"], "--threads is 0" },
        { ["--direct-threads", "0"], "--direct-threads is 0" },
        { ["--min-ratio", "-0.5"], "--min-ratio is -0.5" },
        { ["--min-scaling", "NaN"], "--min-scaling is NaN" },
        { ["--model", "./nowhere"], "'./nowhere' is no directory" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_wrong_option_is_told_in_one_line(string[] arguments, string named)
    {
        var (code, output, error) = await CliProcess.RunAsync(["bench", "generate", .. arguments]);
        code.Should().Be(2);
        error.Trim().Split('\n').Should().ContainSingle().Which.Should().StartWith("error:").And.Contain(named);
        output.Should().BeEmpty();
    }

    [Fact]
    public void Concurrencies_are_sorted() => GenerateBenchmarkSettings.ParseConcurrency(" 32, 1,8").Should().Equal(1, 8, 32);

    [Fact]
    public void Prompts_are_all_different_and_a_few_dozen_tokens_long()
    {
        var prompts = BenchmarkPrompts.Take(TokenizerLoader.Open(Folio), GenerateBenchmarkSettings.MostConcurrent);
        prompts.Should().OnlyContain(prompt => prompt.Count >= 24 && prompt.Count <= BenchmarkPrompts.Longest);
        prompts.Select(prompt => string.Join(',', prompt)).Should().OnlyHaveUniqueItems();
        prompts.Take(8).Should().Equal(BenchmarkPrompts.Take(TokenizerLoader.Open(Folio), 8), (a, b) => a.SequenceEqual(b));
    }

    [Fact]
    public void An_answer_that_differs_from_an_earlier_round_is_noticed()
    {
        var series = new GenerateBenchmarkSeries(2, "direct");
        series.Add([Answer(1, 2), Answer(3, 4)], timed: false);
        series.Add([Answer(1, 2), Answer(3, 4)], timed: true);
        series.IsRepeatable.Should().BeTrue();
        series.Add([Answer(1, 2), Answer(3, 5)], timed: true);
        series.IsRepeatable.Should().BeFalse();
        series.TokensPerSecond.Should().HaveCount(2);
        series.SameAnswers([[1, 2], [3, 4]]).Should().BeTrue();
        series.SameAnswers([[1, 2], [3]]).Should().BeFalse();
    }

    [Fact]
    public async Task All_variants_give_the_same_answers_and_the_checks_come_last()
    {
        var (code, json) = await CliProcess.RunJsonAsync(
            "bench", "generate", "--concurrency", "1,2", "--max-tokens", "8", "--rounds", "1");
        code.Should().Be(0, json.ToString());
        json.EnumerateObject().Last().Name.Should().Be("checks");
        json.GetProperty("checks").EnumerateArray().Select(check => (
                check.GetProperty("name").GetString(), check.GetProperty("value").GetDouble(), check.GetProperty("pass").GetBoolean()))
            .Should().Equal(
                ("equal answers at concurrency 1", 1, true), ("equal answers at concurrency 2", 1, true), ("tokens of the shortest answer", 8, true));
        json.GetProperty("machine").GetProperty("cores").GetInt32().Should().Be(Environment.ProcessorCount);
        json.GetProperty("settings").GetProperty("maxTokens").GetInt32().Should().Be(8);
        var rows = json.GetProperty("rows").EnumerateArray().ToArray();
        rows.Select(row => (row.GetProperty("concurrency").GetInt32(), row.GetProperty("variant").GetString())).Should().Equal(
            (1, "direct"), (1, "embedded 3"), (1, "processes 3"), (2, "direct"), (2, "embedded 3"), (2, "processes 3"));
        foreach (var name in new[] { "tokensPerSecond", "overDirect", "overLeast", "firstTokenMs", "nextTokenP50Ms", "nextTokenP99Ms" })
        {
            rows.Should().OnlyContain(row => row.GetProperty(name).ValueKind == JsonValueKind.Number && row.GetProperty(name).GetDouble() > 0);
        }
    }

    private static TimedAnswer Answer(params int[] tokens)
    {
        var answer = new TimedAnswer(System.Diagnostics.Stopwatch.GetTimestamp());
        Array.ForEach(tokens, answer.Add);
        return answer;
    }
}
