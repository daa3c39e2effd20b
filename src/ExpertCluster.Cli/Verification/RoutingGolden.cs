using System.Globalization;
using System.Text.RegularExpressions;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Cli.Verification;

/// <summary>Decisions of reference implementations: keys <c>source.s1.T64.E8.K2.C8.bpr0.tensor</c>.</summary>
internal sealed partial class RoutingGolden : IDisposable
{
    private static readonly Dictionary<string, string[]> Answers = new(StringComparer.Ordinal)
    {
        ["flaxformer"] = ["dispatch", "combine", "aux_loss", "z_loss"],
        ["vmoe"] = ["combine_weights", "gshard_loss", "importance_loss", "load_loss"],
    };

    private static readonly string[] Inputs = ["logits", "logits_noisy"];

    private RoutingGolden(SafetensorsFile file, IReadOnlyList<RoutingCase> cases) => (File, Cases) = (file, cases);

    /// <summary>The file.</summary>
    public SafetensorsFile File { get; }

    /// <summary>Its cases, by key.</summary>
    public IReadOnlyList<RoutingCase> Cases { get; }

    /// <summary>Reads a file's keys.</summary>
    /// <exception cref="CheckpointException">Malformed, empty, or with a key that could not be checked.</exception>
    public static RoutingGolden Open(string path)
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            var cases = new SortedDictionary<string, RoutingCase>(StringComparer.Ordinal);
            foreach (var entry in file.Entries)
            {
                var (parsed, tensor) = Parse(path, entry.Name);
                cases.TryAdd(parsed.Key, parsed);
                cases[parsed.Key].Tensors.Add(tensor);
            }

            foreach (var one in cases.Values)
            {
                Check(path, one);
            }

            return cases.Count > 0
                ? new RoutingGolden(file, [.. cases.Values])
                : throw new CheckpointException(path, null, "holds no cases; nothing would be verified.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => File.Dispose();

    private static (RoutingCase Case, string Tensor) Parse(string path, string name)
    {
        var match = KeyForm().Match(name);
        if (!match.Success)
        {
            throw new CheckpointException(
                path, name, "is no routing key: source.s<seed>.T<tokens>.E<experts>.K<k>.C<capacity>|cf<factor>.bpr<0|1>.<tensor>.");
        }

        var source = match.Groups["source"].Value;
        var tensor = match.Groups["tensor"].Value;
        if (!Answers.TryGetValue(source, out var answers))
        {
            throw new CheckpointException(path, name, $"\"{source}\" is no source this program recomputes; it knows {string.Join(" and ", Answers.Keys)}.");
        }

        if (!answers.Contains(tensor) && tensor != "logits" && !(source == "vmoe" && tensor == "logits_noisy"))
        {
            throw new CheckpointException(path, name, $"\"{tensor}\" is no tensor of {source}: {string.Join(", ", answers)}, logits.");
        }

        var capacity = match.Groups["capacity"];
        var factor = match.Groups["factor"];
        if (capacity.Success != (source == "flaxformer"))
        {
            throw new CheckpointException(path, name, $"{source} cases have {(capacity.Success ? "cf<capacity factor>" : "C<capacity>")} in their keys.");
        }

        var parsed = new RoutingCase(
            name[..^(tensor.Length + 1)], source, Number(path, name, match, "tokens"), Number(path, name, match, "experts"),
            Number(path, name, match, "choices"), capacity.Success ? Number(path, name, match, "capacity") : null,
            factor.Success ? double.Parse(factor.Value, CultureInfo.InvariantCulture) : null, match.Groups["bpr"].Value == "1");
        return parsed.Choices >= 1 && parsed.Choices <= parsed.Experts && parsed.Factor is not 0
            ? (parsed, tensor)
            : throw new CheckpointException(path, name, "K must be 1 to E, and a capacity factor above 0.");
    }

    private static int Number(string path, string name, Match match, string group) =>
        int.TryParse(match.Groups[group].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new CheckpointException(path, name, $"{match.Groups[group].Value} is out of range.");

    private static void Check(string path, RoutingCase one)
    {
        if (!one.Tensors.Contains("logits"))
        {
            throw new CheckpointException(path, one.Name("logits"), "is missing, and other tensors are answers to it.");
        }

        if (one.Tensors.Contains("load_loss") && !one.Tensors.Contains("logits_noisy"))
        {
            throw new CheckpointException(path, one.Name("logits_noisy"), "is missing, and load_loss is an answer to it.");
        }

        if (one.Tensors.TrueForAll(Inputs.Contains))
        {
            throw new CheckpointException(path, one.Key, "has logits but no answer to compare with.");
        }
    }

    [GeneratedRegex(
        @"^(?<source>[A-Za-z0-9_-]+)\.s\d+\.T(?<tokens>\d+)\.E(?<experts>\d+)\.K(?<choices>\d+)\.(C(?<capacity>\d+)|cf(?<factor>\d+(\.\d+)?))\.bpr(?<bpr>[01])\.(?<tensor>[a-z_]+)$")]
    private static partial Regex KeyForm();
}
