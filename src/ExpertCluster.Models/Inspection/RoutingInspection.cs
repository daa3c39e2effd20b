namespace ExpertCluster.Models.Inspection;

/// <summary>Finds out what experts learned from which tokens went to them. Plain counting: no model, no tensors.</summary>
public static class RoutingInspection
{
    private static readonly int Classes = Enum.GetValues<TokenClass>().Length;

    /// <summary>Measures every layer of a trace.</summary>
    /// <param name="trace">Which experts took each token.</param>
    /// <param name="classOf">Class of a token id.</param>
    /// <param name="options">What to find out.</param>
    /// <param name="ct">Cancels between layers.</param>
    /// <exception cref="ArgumentException">The trace is empty, or an option out of range.</exception>
    public static InspectionReport Analyse(
        RoutingTrace trace, Func<int, TokenClass> classOf, InspectionOptions options, CancellationToken ct = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(trace.Count);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Favourites);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Shuffles, 1);
        (int[] ids, int[] labels) = Tokens(trace.Tokens);
        int[] files = Files(trace);
        Grouping tokens = Grouping.Of(labels, ids.Length);
        TokenClass[] classOfLabel = Array.ConvertAll(ids, id => classOf(id));
        var labelled = new Labels(
            ids, tokens, Grouping.Of(Array.ConvertAll(labels, label => (int)classOfLabel[label]), Classes), Grouping.Of(files, trace.Files),
            trace.Files == 1 ? [] : InSeveralFiles(tokens, files, trace.Files),
            trace.Files == 1 ? null : new WindowShuffle(trace.Windows, trace.Files, options.Shuffles, options.Seed));
        var layers = new LayerReport[trace.Layers.Count];
        for (int i = 0; i < layers.Length; i++)
        {
            ct.ThrowIfCancellationRequested();
            layers[i] = Layer(trace, i, labelled, options);
        }

        return new InspectionReport
        {
            Tokens = trace.Count,
            FileTokens = [.. Enumerable.Range(0, trace.Files).Select(file => labelled.Files[file].Length)],
            FileWindows = [.. Enumerable.Range(0, trace.Files).Select(file => trace.Windows.Count(window => window.File == file))],
            Layers = layers,
            FirstToLast = layers.Length == 1 ? null : BetweenLayers(trace, 0, layers.Length - 1),
        };
    }

    private static LayerReport Layer(RoutingTrace trace, int index, Labels labels, InspectionOptions options)
    {
        ReadOnlySpan<ushort> choices = trace.Choices(index);
        (int topK, int experts) = (trace.TopK, trace.Experts);
        Association tokens = Association.Measure(labels.Tokens, choices, topK, experts);
        Neighbours neighbours = Neighbours.Count(trace.Windows, choices, topK, experts, options.Seed);
        var byFile = new int[trace.Files][];
        for (int file = 0; file < byFile.Length; file++)
        {
            Association.Count(labels.Files[file], choices, topK, byFile[file] = new int[experts]);
        }

        int[] chosen = [.. Enumerable.Range(0, experts).Select(expert => byFile.Sum(counts => counts[expert]))];
        FavouriteToken[][] favourites = Favourites.Find(labels.Tokens, labels.Ids, choices, topK, chosen, options.Favourites);
        var firsts = new int[experts];
        for (int slot = 0; slot < choices.Length; slot += topK)
        {
            firsts[choices[slot]]++;
        }

        double assignments = choices.Length;
        double load = Math.Max(0, Math.Log2(assignments) - chosen.Sum(n => Hypergeometric.NLogN(n)) / assignments);
        return new LayerReport
        {
            Layer = trace.Layers[index],
            Experts =
            [
                .. Enumerable.Range(0, experts).Select(expert => new ExpertReport(
                    expert, chosen[expert], chosen[expert] / assignments, firsts[expert] / (double)trace.Count,
                    tokens.Bits(expert), tokens.BitsByChance(expert), neighbours.Kept(expert),
                    [.. byFile.Select((counts, file) => counts[expert] / Math.Max(1.0, (double)labels.Files[file].Length * topK))],
                    favourites[expert])),
            ],
            LoadBits = load,
            LoadEvenness = experts == 1 ? 1 : load / Math.Log2(experts),
            Neighbours = neighbours.Agreement,
            Token = tokens.Information,
            TokenClass = Association.Measure(labels.Classes, choices, topK, experts).Information,
            Topic = labels.Shuffle is null ? null : Topic(trace, choices, labels),
            LayerBefore = index == 0 ? null : BetweenLayers(trace, index - 1, index),
        };
    }

    private static TopicReport Topic(RoutingTrace trace, ReadOnlySpan<ushort> choices, Labels labels)
    {
        (Information file, double reached) = labels.Shuffle!.Measure(choices, trace.TopK, trace.Experts);

        // Tokens that occur in one text only tell nothing more by it.
        double bits = 0;
        double byChance = 0;
        foreach (Grouping token in labels.FilesOfToken)
        {
            Information within = Association.Measure(token, choices, trace.TopK, trace.Experts).Information;
            bits += within.Bits * token.Positions / trace.Count;
            byChance += within.ByChance * token.Positions / trace.Count;
        }

        return new TopicReport(file, reached, new Information(bits, byChance));
    }

    /// <summary>First choices of two layers: one label and one expert a token.</summary>
    private static Information BetweenLayers(RoutingTrace trace, int from, int to)
    {
        ushort[] firsts = Firsts(trace, from);
        Grouping labels = Grouping.Of(Array.ConvertAll(firsts, expert => (int)expert), trace.Experts);
        return Association.Measure(labels, Firsts(trace, to), 1, trace.Experts).Information;
    }

    private static ushort[] Firsts(RoutingTrace trace, int layer)
    {
        ReadOnlySpan<ushort> choices = trace.Choices(layer);
        var firsts = new ushort[trace.Count];
        for (int i = 0; i < firsts.Length; i++)
        {
            firsts[i] = choices[i * trace.TopK];
        }

        return firsts;
    }

    /// <summary>Token ids in ascending order, and each position's index among them.</summary>
    private static (int[] Ids, int[] Labels) Tokens(ReadOnlySpan<int> tokens)
    {
        int[] ids = [.. tokens.ToArray().Distinct().Order()];
        var labels = new int[tokens.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = Array.BinarySearch(ids, tokens[i]);
        }

        return (ids, labels);
    }

    private static int[] Files(RoutingTrace trace)
    {
        var files = new int[trace.Count];
        foreach (TraceWindow window in trace.Windows)
        {
            files.AsSpan(window.Start, window.Length).Fill(window.File);
        }

        return files;
    }

    /// <summary>The positions of each token that occurs in more than one text, by text.</summary>
    private static Grouping[] InSeveralFiles(Grouping tokens, int[] files, int count)
    {
        var several = new List<Grouping>();
        for (int label = 0; label < tokens.Count; label++)
        {
            ReadOnlySpan<int> positions = tokens[label];
            int first = files[positions[0]];
            foreach (int position in positions)
            {
                if (files[position] != first)
                {
                    several.Add(Grouping.Of(positions, files, count));
                    break;
                }
            }
        }

        return [.. several];
    }

    /// <summary>What the positions of a trace are sorted by; the same for all layers.</summary>
    private sealed record Labels(
        int[] Ids, Grouping Tokens, Grouping Classes, Grouping Files, Grouping[] FilesOfToken, WindowShuffle? Shuffle);
}
