namespace ExpertCluster.EndToEnd.Tests;

public sealed class GenerateSpec
{
    /// <summary>The greedy continuation of "ROMEO:", as transformers gives it for the golden prompt's first tokens.</summary>
    private const string Prompt = "ROMEO:\nBut soft, what light";

    [Fact]
    public async Task The_main_job_prints_text_and_what_the_cluster_did()
    {
        var (code, output, error) = await CliProcess.RunAsync("generate", "--nodes", "3", "--prompt", Prompt, "--max-tokens", "24");
        error.Should().Contain("experts ready: 32/32");
        code.Should().Be(0);
        output.Should().StartWith(Prompt + " shall be to be?");
        output.Should().Contain("experts held").And.Contain("L03/E07").And.Contain("tokens/s");
        output.Should().NotContain("\u001b", "escape codes are for terminals");
    }

    [Fact]
    public async Task Json_is_one_object_that_ends_with_checks()
    {
        var (code, json) = await CliProcess.RunJsonAsync("generate", "--nodes", "3", "--prompt", Prompt, "--max-tokens", "8");
        code.Should().Be(0);
        json.GetProperty("generatedTokens").GetInt32().Should().Be(8);
        json.EnumerateObject().Last().Name.Should().Be("checks");
        var nodes = json.GetProperty("cluster").GetProperty("nodes").EnumerateArray().ToArray();
        nodes.Should().HaveCount(3);
        nodes.Sum(n => n.GetProperty("experts").GetInt32()).Should().Be(32);
        var routed = json.GetProperty("cluster").GetProperty("tokensRouted").EnumerateArray().Sum(l => l.EnumerateArray().Sum(e => e.GetInt64()));
        var rows = json.GetProperty("promptTokens").GetInt32() + 7;
        routed.Should().Be(rows * 4 * 2, "every row goes to two experts in each of four layers");
    }

    [Fact]
    public async Task Sampling_with_a_seed_is_repeatable_on_any_number_of_nodes()
    {
        string[] arguments = ["generate", "--prompt", "ROMEO:", "--max-tokens", "24", "--temperature", "0.9", "--top-p", "0.95", "--seed", "11"];
        var (_, one) = await CliProcess.RunJsonAsync([.. arguments, "--nodes", "1"]);
        var (_, two) = await CliProcess.RunJsonAsync([.. arguments, "--nodes", "2"]);
        two.GetProperty("text").GetString().Should().Be(one.GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_stop_text_ends_the_answer_and_is_not_part_of_it()
    {
        var (_, json) = await CliProcess.RunJsonAsync("generate", "--nodes", "1", "--prompt", Prompt, "--max-tokens", "64", "--stop", "ROMEO:");
        json.GetProperty("text").GetString().Should().Be(" shall be to be?\n\n");
        json.GetProperty("finishReason").GetString().Should().Be("stop");
    }
}
