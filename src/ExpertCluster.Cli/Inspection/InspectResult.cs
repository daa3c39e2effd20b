using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Cli.Inspection;

/// <summary>What <c>inspect</c> found, with the names that numbers lack.</summary>
internal sealed record InspectResult
{
    public required InspectSettings Settings { get; init; }

    public required string Model { get; init; }

    public required string Family { get; init; }

    public required int TopK { get; init; }

    public required int Window { get; init; }

    public required int TokensBefore { get; init; }

    /// <summary>For each text, whether it ended before the limit.</summary>
    public required IReadOnlyList<bool> Whole { get; init; }

    public required InspectionReport Report { get; init; }

    /// <summary>Readable text of a token id.</summary>
    public required Func<int, string> TextOf { get; init; }

    public IReadOnlyList<string> Names => Settings.Names;

    public int Experts => Report.Layers[0].Experts.Count;

    public IReadOnlyList<Check> Checks =>
    [
        Check.AtLeast("texts.routed", Report.FileTokens.Count(tokens => tokens > 0), Settings.Texts.Count),
        .. Names.Select((name, i) => Check.AtLeast($"tokens.{name}", Report.FileTokens[i], Settings.MinTokens)),

        // With one window there is nothing to deal, and what the text tells can not be told from chance.
        .. Names.Count == 1 ? [] : Names.Select((name, i) => Check.AtLeast($"windows.{name}", Report.FileWindows[i], 2)),
        Check.AtMost("shares.error", Report.Layers.Max(layer => Math.Abs(layer.Experts.Sum(expert => expert.Share) - 1)), 1e-9),
    ];

    public int PrintJson() => Json.Print(
        new JsonObject
        {
            ["model"] = Model,
            ["family"] = Family,
            ["directory"] = Settings.Directory,
            ["experts"] = Experts,
            ["topK"] = TopK,
            ["window"] = Window,
            ["tokensBefore"] = TokensBefore,
            ["maxTokens"] = Settings.MaxTokens,
            ["shuffles"] = Settings.Options.Shuffles,
            ["seed"] = Settings.Options.Seed,
            ["tokens"] = Report.Tokens,
            ["files"] = new JsonArray([.. Names.Select((name, i) => (JsonNode)new JsonObject
            {
                ["name"] = name,
                ["path"] = Settings.Texts[i],
                ["tokens"] = Report.FileTokens[i],
                ["windows"] = Report.FileWindows[i],
                ["whole"] = Whole[i],
            })]),
            ["layers"] = new JsonArray([.. Report.Layers.Select(layer => (JsonNode)Layer(layer))]),
            ["firstAgainstLast"] = FirstAgainstLast(),
            ["topicAgainstSyntax"] = Report.TopicBits is not { } topic ? null : new JsonObject
            {
                ["topicBits"] = topic,
                ["syntaxBits"] = Report.SyntaxBits,
                ["syntaxClassBits"] = Report.SyntaxClassBits,
                ["larger"] = Json.Node(Report.Leaning),
            },
            ["html"] = Settings.Html,
        },
        Checks);

    private JsonObject Layer(LayerReport layer) => new()
    {
        ["layer"] = layer.Layer,
        ["loadBits"] = layer.LoadBits,
        ["loadEvenness"] = layer.LoadEvenness,
        ["neighbours"] = Json.Node(layer.Neighbours),
        ["token"] = Json.Node(layer.Token),
        ["tokenClass"] = Json.Node(layer.TokenClass),
        ["file"] = Json.Node(layer.Topic?.File),
        ["fileReached"] = layer.Topic?.Reached,
        ["fileGivenToken"] = Json.Node(layer.Topic?.GivenToken),
        ["layerBefore"] = Json.Node(layer.LayerBefore),
        ["experts"] = new JsonArray([.. layer.Experts.Select(expert => (JsonNode)new JsonObject
        {
            ["expert"] = expert.Expert,
            ["assignments"] = expert.Assignments,
            ["share"] = expert.Share,
            ["firstShare"] = expert.FirstShare,
            ["tokenBits"] = expert.TokenBits,
            ["tokenBitsByChance"] = expert.TokenBitsByChance,
            ["specialisation"] = expert.Specialisation,
            ["kept"] = expert.Kept,
            ["fileShares"] = Json.Node(expert.FileShares),
            ["favourites"] = new JsonArray([.. expert.Favourites.Select(token => (JsonNode)new JsonObject
            {
                ["token"] = token.Token,
                ["text"] = TextOf(token.Token),
                ["count"] = token.Count,
                ["of"] = token.Of,
                ["lift"] = token.Lift,
            })]),
        })]),
    };

    private JsonObject? FirstAgainstLast() => Report.FirstToLast is not { } association ? null : new JsonObject
    {
        ["first"] = End(Report.Layers[0]),
        ["last"] = End(Report.Layers[^1]),
        ["association"] = Json.Node(association),
    };

    private static JsonObject End(LayerReport layer) => new()
    {
        ["layer"] = layer.Layer,
        ["sameFirst"] = layer.Neighbours.First,
        ["sameFirstByChance"] = layer.Neighbours.FirstByChance,
        ["sameAny"] = layer.Neighbours.Any,
        ["sameAnyByChance"] = layer.Neighbours.AnyByChance,
        ["specialisation"] = layer.Token.Excess,
        ["loadEvenness"] = layer.LoadEvenness,
    };

    /// <summary>The finding in a sentence; empty for a single text.</summary>
    public string Finding()
    {
        if (Report.TopicBits is not { } topic)
        {
            return "";
        }

        var verdict = Report.Leaning switch
        {
            Leaning.Syntax => "These experts follow syntax more than topic.",
            Leaning.Topic => "These experts follow topic more than syntax.",
            _ => "Neither tells anything.",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Above chance, mean of the layers: the token tells {Report.SyntaxBits:0.000} bits about its experts (its class alone {Report.SyntaxClassBits:0.000}), the text it is from {topic:0.000}. {verdict}");
    }
}
