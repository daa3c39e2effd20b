using System.Text;
using System.Text.Json;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>What experts learned, from texts to a report, as a user calls it.</summary>
public sealed class InspectSpec
{
    private static string Folio => Path.Combine(AppContext.BaseDirectory, "config", "models", "folio-moe");

    public static TheoryData<string, string[], string> Calls => new()
    {
        { "no text", [], "--text" },
        { "missing", ["--text", "{0}/nowhere.txt"], "nowhere.txt: no such file" },
        { "empty", ["--text", "{0}/empty.txt"], "empty.txt is empty" },
        { "binary", ["--text", "{0}/binary.txt"], "binary.txt is no text: it has a zero byte at 3" },
        { "no UTF-8", ["--text", "{0}/latin1.txt"], "latin1.txt is not UTF-8" },
        { "cut UTF-8", ["--text", "{0}/cut.txt"], "cut.txt is not UTF-8" },
        { "one token", ["--text", "{0}/prose.txt", "{0}/short.txt"], "short.txt has 1 token; at least 2" },
        { "directory", ["--text", "{0}"], "is a directory" },
        { "twice", ["--text", "{0}/prose.txt", "{0}/./prose.txt"], "is given twice" },
        { "window beyond context", ["--text", "{0}/prose.txt", "--window", "513"], "--window is 513 and the model's context holds 512" },
        { "window of one", ["--text", "{0}/prose.txt", "--window", "1"], "--window is 1" },
        { "no tokens wanted", ["--text", "{0}/prose.txt", "--max-tokens", "0"], "--max-tokens is 0" },
        { "no shuffles", ["--text", "{0}/prose.txt", "--shuffles", "0"], "--shuffles is 0" },
        { "favourites", ["--text", "{0}/prose.txt", "--favourites", "-1"], "--favourites is -1" },
        { "nowhere to write", ["--text", "{0}/prose.txt", "--html", "{0}/nowhere/page.html"], "nowhere/page.html: no such directory" },
        { "over a text", ["--text", "{0}/prose.txt", "--html", "{0}/prose.txt"], "would overwrite" },
    };

    [Fact]
    public async Task Two_texts_are_reported_by_layer_expert_and_text_and_the_checks_come_last()
    {
        using var texts = Texts();
        var (code, json) = await CliProcess.RunJsonAsync("inspect", "folio-moe", "--text", texts.Of("prose.txt"), texts.Of("code.txt"));
        code.Should().Be(0, json.ToString());
        json.EnumerateObject().Last().Name.Should().Be("checks");
        json.GetProperty("checks").EnumerateArray().Should().OnlyContain(check => check.GetProperty("pass").GetBoolean());
        json.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()).Should().Equal(
            "texts.routed", "tokens.prose.txt", "tokens.code.txt", "windows.prose.txt", "windows.code.txt", "shares.error");
        json.GetProperty("layers").GetArrayLength().Should().Be(4);
        foreach (var layer in json.GetProperty("layers").EnumerateArray())
        {
            var experts = layer.GetProperty("experts").EnumerateArray().ToArray();
            experts.Should().HaveCount(8);
            experts.Sum(expert => expert.GetProperty("share").GetDouble()).Should().BeApproximately(1, 1e-12);
            experts.Sum(expert => expert.GetProperty("assignments").GetInt64()).Should().Be(2 * json.GetProperty("tokens").GetInt64());
            experts.Sum(expert => expert.GetProperty("fileShares")[1].GetDouble()).Should().BeApproximately(1, 1e-12);
            layer.GetProperty("neighbours").GetProperty("first").GetDouble().Should().BeInRange(0, 1);
            layer.GetProperty("token").GetProperty("excess").GetDouble().Should().BePositive();
        }

        var favourites = json.GetProperty("layers")[0].GetProperty("experts").EnumerateArray()
            .SelectMany(expert => expert.GetProperty("favourites").EnumerateArray()).ToArray();
        favourites.Should().OnlyContain(token => token.GetProperty("count").GetInt32() <= token.GetProperty("of").GetInt32());
        favourites.Select(token => token.GetProperty("text").GetString()).Should().Contain(text => text!.StartsWith('␣'));
        json.GetProperty("firstAgainstLast").GetProperty("last").GetProperty("layer").GetInt32().Should().Be(3);
        var against = json.GetProperty("topicAgainstSyntax");
        var syntax = against.GetProperty("syntaxBits").GetDouble() > against.GetProperty("topicBits").GetDouble();
        against.GetProperty("larger").GetString().Should().Be(syntax ? "syntax" : "topic");
    }

    [Fact]
    public async Task People_get_a_table_of_the_experts_and_the_finding()
    {
        using var texts = Texts();
        var (code, output, error) = await CliProcess.RunAsync("inspect", "folio-moe", "--text", texts.Of("prose.txt"), "--text", texts.Of("code.txt"));
        code.Should().Be(0, error);
        output.Should().Contain("L00/E00").And.Contain("L03/E07").And.Contain("prose.txt").And.Contain("First layer, 0:").And.Contain("These experts follow");
    }

    [Fact]
    public async Task The_page_asks_nobody_for_anything_and_holds_no_markup_of_the_texts()
    {
        using var texts = Texts();
        File.WriteAllText(texts.Of("evil.txt"), string.Concat(Enumerable.Repeat("</script><script>alert('x')</script> & https://example.org <!-- ", 60)));
        var page = texts.Of("page.html");
        var (code, json) = await CliProcess.RunJsonAsync(
            "inspect", "folio-moe", "--text", texts.Of("evil.txt"), texts.Of("prose.txt"), "--html", page, "--favourites", "30");
        code.Should().Be(0, json.ToString());
        var html = File.ReadAllText(page);
        html.Should().NotContain("http:").And.NotContain("https:").And.NotContain("url(").And.NotContain(" src=").And.NotContain("alert");
        html.Should().Contain("default-src 'none'").And.Contain("prefers-color-scheme: dark").And.Contain("evil.txt");
        html.Split("</script").Should().HaveCount(2);
        html.Split("<!--").Should().HaveCount(1);
    }

    [Fact]
    public async Task A_text_too_short_to_tell_fails_its_check_and_is_named()
    {
        using var texts = Texts();
        var (code, json) = await CliProcess.RunJsonAsync(
            "inspect", "folio-moe", "--text", texts.Of("prose.txt"), texts.Of("code.txt"), "--max-tokens", "600", "--min-tokens", "601");
        code.Should().Be(1);
        json.GetProperty("files").EnumerateArray().Should().OnlyContain(
            file => file.GetProperty("tokens").GetInt32() == 600 && file.GetProperty("windows").GetInt32() == 2 && !file.GetProperty("whole").GetBoolean());
        json.GetProperty("checks").EnumerateArray().Where(check => !check.GetProperty("pass").GetBoolean())
            .Select(check => check.GetProperty("name").GetString()).Should().Equal("tokens.prose.txt", "tokens.code.txt");
    }

    [Fact]
    public async Task One_text_has_no_topic_and_the_same_call_gives_the_same_answer()
    {
        using var texts = Texts();
        string[] call = ["inspect", "folio-moe", "--text", texts.Of("prose.txt"), "--window", "64"];
        var (code, json) = await CliProcess.RunJsonAsync(call);
        code.Should().Be(0, json.ToString());
        json.GetProperty("topicAgainstSyntax").ValueKind.Should().Be(JsonValueKind.Null);
        json.GetProperty("layers")[0].GetProperty("file").ValueKind.Should().Be(JsonValueKind.Null);
        (await CliProcess.RunJsonAsync(call)).Json.ToString().Should().Be(json.ToString());
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task What_is_wrong_with_a_call_is_told_in_one_line(string what, string[] arguments, string named)
    {
        using var texts = Texts();
        var (code, output, error) = await CliProcess.RunAsync(
            ["inspect", "folio-moe", .. arguments.Select(argument => argument.Replace("{0}", texts.Path, StringComparison.Ordinal))]);
        Check(what, code, output, error, named);
    }

    [Fact]
    public async Task A_checkpoint_without_tokenizer_is_told_in_one_line()
    {
        using var texts = Texts();
        using var model = new TemporaryDirectory().With(Folio);
        File.Delete(model.Of("tokenizer.json"));
        var (code, output, error) = await CliProcess.RunAsync("inspect", model.Path, "--text", texts.Of("prose.txt"));
        Check("no tokenizer", code, output, error, "has no tokenizer");
    }

    private static void Check(string what, int code, string output, string error, string named)
    {
        code.Should().Be(2, $"{what}: {error}");
        error.Split('\n').Where(line => line.StartsWith("error:", StringComparison.Ordinal))
            .Should().ContainSingle(what).Which.Should().Contain(named);
        (output + error).Should().NotContain("   at ");
    }

    private static TemporaryDirectory Texts()
    {
        string[] whose = ["king", "queen", "duke", "shepherd", "captain"];
        string[] what = ["spoke of the long war", "would not hear it", "came down to the shore", "asked for bread and wine", "wept in the garden"];
        var prose = new StringBuilder();
        var code = new StringBuilder();
        for (var i = 0; i < 120; i++)
        {
            prose.AppendLine($"The {whose[i % 5]} {what[i / 5 % 5]}, and the {whose[(i + i / 7) % 5]} {what[i * 3 % 5]}.");
            code.AppendLine($"    if (count[{i}] > {i * 7 % 13}) {{ total += {whose[i % 5]}.Size({i % 9}); }}");
        }

        var texts = new TemporaryDirectory();
        File.WriteAllText(texts.Of("prose.txt"), prose.ToString());
        File.WriteAllText(texts.Of("code.txt"), code.ToString());
        File.WriteAllText(texts.Of("empty.txt"), "");
        File.WriteAllText(texts.Of("short.txt"), "a");
        File.WriteAllBytes(texts.Of("binary.txt"), [65, 66, 67, 0, 68]);
        File.WriteAllBytes(texts.Of("latin1.txt"), [(byte)'c', (byte)'a', (byte)'f', 0xE9, (byte)' ']);
        File.WriteAllBytes(texts.Of("cut.txt"), [(byte)'a', 0xE2, 0x82]);
        return texts;
    }
}
