using System.Globalization;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models.Inspection;
using Spectre.Console;

namespace ExpertCluster.Cli.Inspection;

/// <summary>Prints what <c>inspect</c> found for people.</summary>
internal static class InspectTables
{
    /// <summary>Rows of experts beyond which only the first and the last layer are listed.</summary>
    private const int ManyExperts = 64;

    /// <summary>Experts listed of a layer that has more.</summary>
    private const int MostExperts = 16;

    private const int FavouritesShown = 5;

    public static int Print(InspectResult result)
    {
        var report = result.Report;
        Line($"{result.Model}: {report.Layers.Count} layers of {result.Experts} experts, {result.TopK} a token; windows of {result.Window} tokens");
        for (var i = 0; i < result.Names.Count; i++)
        {
            Line($"  {result.Names[i]}: {report.FileTokens[i]} tokens in {report.FileWindows[i]} windows{(result.Whole[i] ? "" : " (--max-tokens reached)")}");
        }

        Terminal.Out.WriteLine();
        Line($"Layers. Load: evenness, 1 is even. Neighbours: share their first choice, or any, and by chance. Then bits above chance about the experts.");
        Terminal.Out.Write(Layers(result));
        PrintExperts(result);
        PrintFirstAgainstLast(report);
        if (report.Leaning is not null)
        {
            PrintLargestDifference(result);
            Terminal.Out.WriteLine();
            Line($"{result.Finding()}");
        }

        if (result.Settings.Html is { } html)
        {
            Line($"Heat maps: {html}");
        }

        foreach (var check in result.Checks.Where(check => !check.Pass))
        {
            Line($"FAIL {check.Name}: {check.Value.ToString(CultureInfo.InvariantCulture)}, limit {check.Limit.ToString(CultureInfo.InvariantCulture)}");
        }

        return result.Checks.All(check => check.Pass) ? 0 : 1;
    }

    private static Table Layers(InspectResult result)
    {
        var table = NewTable().AddColumns("layer", "load", "same first", "by chance", "share any", "by chance", "token", "class");
        var several = result.Report.Leaning is not null;
        if (several)
        {
            table.AddColumns("text", "shuffles as high", "text given token");
        }

        foreach (var layer in result.Report.Layers)
        {
            var near = layer.Neighbours;
            string[] cells =
            [
                Number(layer.Layer), Text(layer.LoadEvenness, "0.000"), Percent(near.First), Percent(near.FirstByChance),
                Percent(near.Any), Percent(near.AnyByChance), Bits(layer.Token), Bits(layer.TokenClass),
            ];
            table.AddRow(layer.Topic is not { } topic
                ? cells
                : [.. cells, Bits(topic.File), Percent(topic.Reached), Bits(topic.GivenToken)]);
        }

        return table;
    }

    private static void PrintExperts(InspectResult result)
    {
        var layers = result.Report.Layers;
        var all = layers.Count * result.Experts <= ManyExperts;
        var most = all ? result.Experts : MostExperts;
        Terminal.Out.WriteLine();
        Line($"Experts. Bits: entropy of the tokens taken, and of as many random ones. Keeps: the next token has the same first choice.");
        Line($"Favourites: taken of occurring; ␣ is a space, ↵ a line feed.");
        var table = NewTable().AddColumns("expert", "share");
        if (result.Names.Count is > 1 and <= 4)
        {
            table.AddColumns([.. result.Names.Select(Markup.Escape)]);
        }

        table.AddColumns("bits", "random", "keeps", "favourites");
        foreach (var layer in all ? layers : layers.Count == 1 ? [layers[0]] : [layers[0], layers[^1]])
        {
            IEnumerable<ExpertReport> listed = layer.Experts.Count <= most
                ? layer.Experts
                : layer.Experts.OrderByDescending(expert => expert.Share * expert.Specialisation).Take(most).OrderBy(expert => expert.Expert);
            foreach (var expert in listed)
            {
                table.AddRow(Row(result, layer, expert));
            }
        }

        Terminal.Out.Write(table);
        if (!all)
        {
            Line($"Listed are the first and the last layer, of each the {Math.Min(most, result.Experts)} experts that stand out most; --json and --html have all.");
        }
    }

    private static string[] Row(InspectResult result, LayerReport layer, ExpertReport expert)
    {
        string[] shares = result.Names.Count is > 1 and <= 4 ? [.. expert.FileShares.Select(Percent)] : [];
        var favourites = expert.Favourites.Take(FavouritesShown)
            .Select(token => string.Create(CultureInfo.InvariantCulture, $"{result.TextOf(token.Token)} {token.Count}/{token.Of}"));
        return
        [
            string.Create(CultureInfo.InvariantCulture, $"L{layer.Layer:00}/E{expert.Expert:00}"), Percent(expert.Share), .. shares,
            Text(expert.TokenBits, "0.00"), Text(expert.TokenBitsByChance, "0.00"),
            expert.Kept is { } kept ? Percent(kept) : "-", Markup.Escape(string.Join("   ", favourites)),
        ];
    }

    private static void PrintFirstAgainstLast(InspectionReport report)
    {
        if (report.FirstToLast is not { } association)
        {
            return;
        }

        Terminal.Out.WriteLine();
        foreach (var (name, layer) in new[] { ("First", report.Layers[0]), ("Last", report.Layers[^1]) })
        {
            var near = layer.Neighbours;
            Line($"{name} layer, {layer.Layer}: neighbours agree {near.First / near.FirstByChance:0.00} times chance (any: {near.Any / near.AnyByChance:0.00}), the token tells {layer.Token.Excess:0.000} bits.");
        }

        Line($"The first choice in the first layer tells {association.Excess:0.000} bits above chance about that in the last.");
    }

    private static void PrintLargestDifference(InspectResult result)
    {
        var (layer, expert, apart) = result.Report.Layers
            .SelectMany(layer => layer.Experts.Select(expert => (layer, expert, Apart: expert.FileShares.Max() - expert.FileShares.Min())))
            .MaxBy(entry => entry.Apart);
        var shares = expert.FileShares.ToList();
        var (high, low) = (shares.IndexOf(shares.Max()), shares.IndexOf(shares.Min()));
        Line($"Texts differ most at L{layer.Layer:00}/E{expert.Expert:00}: {100 * shares[high]:0.0} % of {result.Names[high]}, {100 * shares[low]:0.0} % of {result.Names[low]}.");
    }

    private static Table NewTable() => new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii);

    /// <summary>Not as markup: what comes from texts may have brackets.</summary>
    private static void Line(FormattableString line) => Terminal.Out.Write(new Text(line.ToString(CultureInfo.InvariantCulture) + "\n"));

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Percent(double part) => string.Create(CultureInfo.InvariantCulture, $"{100 * part:0.0} %");

    private static string Bits(Information information) => Text(information.Excess, "0.000");
}
