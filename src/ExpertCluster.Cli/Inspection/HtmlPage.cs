using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Cli.Inspection;

/// <summary>
/// What <c>inspect</c> found as one HTML file that asks nobody for anything: the page of <c>page.html</c> and its data. The data is JSON
/// with everything but plain ASCII letters escaped, and the script writes it into the page as text only.
/// </summary>
internal static class HtmlPage
{
    private const string Template = "ExpertCluster.Cli.Inspection.page.html";

    private const string Data = "/*data*/null";

    /// <summary>Experts of all layers beyond which the page holds fewer favourites of each, so that it opens on a phone.</summary>
    private const int ManyExperts = 1024;

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.Default };

    /// <exception cref="UsageException">It can not be written.</exception>
    public static void Write(InspectResult result, string path)
    {
        var page = Render(result);
        try
        {
            File.WriteAllText(path, page);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--html {path} can not be written: {e.Message}");
        }
    }

    public static string Render(InspectResult result)
    {
        using var template = new StreamReader(typeof(HtmlPage).Assembly.GetManifestResourceStream(Template)!);

        // A solidus occurs in strings only; escaped, no address in a text looks like one of the page's own.
        return template.ReadToEnd().Replace(
            Data, Content(result).ToJsonString(Compact).Replace("/", "\\/", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static JsonObject Content(InspectResult result)
    {
        var report = result.Report;
        var favourites = report.Layers.Count * result.Experts > ManyExperts ? 5 : int.MaxValue;
        var tokens = new Dictionary<int, int>();
        var layers = new JsonArray([.. report.Layers.Select(layer => (JsonNode)new JsonObject
        {
            ["layer"] = layer.Layer,
            ["load"] = Round(layer.LoadEvenness),
            ["near"] = Numbers(layer.Neighbours.First, layer.Neighbours.FirstByChance, layer.Neighbours.Any, layer.Neighbours.AnyByChance),
            ["bits"] = Numbers(layer.Token.Excess, layer.TokenClass.Excess),
            ["topic"] = layer.Topic is not { } topic ? null : Numbers(topic.File.Excess, topic.Reached, topic.GivenToken.Excess),
            ["share"] = Numbers([.. layer.Experts.Select(expert => expert.Share)]),
            ["first"] = Numbers([.. layer.Experts.Select(expert => expert.FirstShare)]),
            ["kept"] = new JsonArray([.. layer.Experts.Select(expert => expert.Kept is { } kept ? (JsonNode)Round(kept) : null)]),
            ["special"] = Numbers([.. layer.Experts.Select(expert => expert.Specialisation)]),
            ["files"] = report.Leaning is null ? new JsonArray() : new JsonArray([.. result.Names.Select((_, file) =>
                (JsonNode)Numbers([.. layer.Experts.Select(expert => expert.FileShares[file])]))]),
            ["favourites"] = new JsonArray([.. layer.Experts.Select(expert => (JsonNode)new JsonArray([.. expert.Favourites.Take(favourites)
                .SelectMany(token => new[] { Index(token), token.Count, token.Of }).Select(number => (JsonNode)number)]))]),
        })]);
        return new JsonObject
        {
            ["model"] = result.Model,
            ["experts"] = result.Experts,
            ["topK"] = result.TopK,
            ["window"] = result.Window,
            ["finding"] = result.Finding(),
            ["files"] = new JsonArray([.. result.Names.Select((name, i) => (JsonNode)new JsonObject
            {
                ["name"] = name,
                ["tokens"] = report.FileTokens[i],
                ["whole"] = result.Whole[i],
            })]),
            ["layers"] = layers,
            ["tokens"] = new JsonArray([.. tokens.OrderBy(entry => entry.Value).Select(entry => (JsonNode)result.TextOf(entry.Key))]),
        };

        int Index(FavouriteToken token)
        {
            if (!tokens.TryGetValue(token.Token, out var index))
            {
                tokens[token.Token] = index = tokens.Count;
            }

            return index;
        }
    }

    private static JsonArray Numbers(params double[] values) => new([.. values.Select(value => (JsonNode)Round(value))]);

    /// <summary>Five digits are more than a colour shows.</summary>
    private static double Round(double value) => value == 0 ? 0 : Math.Round(value, Math.Clamp(4 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 8));
}
