namespace ExpertCluster.Models.Inspection;

/// <summary>
/// How experts go with a label of the tokens – their id, their class, their text. An observation is a token with its label and one of
/// its k experts, each as likely: of N tokens, with a(x) of label x, b(e) that chose e, and n(x,e) both, the mutual information is
/// <c>Σ n/(N·k) · log₂(n·N / (a·b))</c>.
/// </summary>
/// <remarks>
/// Small samples make it too large (Miller, 1955). By chance it is what its mean would be if whole tokens' choices were dealt to the
/// labels at random: then n(x,e) is hypergeometric, and the mean is a sum over its distribution – the expected mutual information of
/// Vinh, Epps and Bailey (JMLR 11, 2010), for k choices a token, which are different experts. It is exact; nothing is drawn.
/// </remarks>
internal sealed class Association
{
    private readonly int[] _chosen;
    private readonly double[] _observed;
    private readonly double[] _byChance;

    private Association(int[] chosen, double[] observed, double[] byChance, Information information)
    {
        _chosen = chosen;
        _observed = observed;
        _byChance = byChance;
        Information = information;
    }

    /// <summary>What the label tells about the expert.</summary>
    public Information Information { get; }

    /// <summary>Entropy of the labels among an expert's tokens, in bits; 0 when it has none.</summary>
    public double Bits(int expert) => Entropy(expert, _observed);

    /// <summary>What that entropy would be on average if as many tokens were drawn at random.</summary>
    public double BitsByChance(int expert) => Entropy(expert, _byChance);

    /// <summary>Counts and measures.</summary>
    /// <param name="labels">Positions by label.</param>
    /// <param name="choices">Experts of every position, [T,k].</param>
    /// <param name="topK">k.</param>
    /// <param name="experts">E.</param>
    public static Association Measure(Grouping labels, ReadOnlySpan<ushort> choices, int topK, int experts)
    {
        var chosen = new int[experts];
        var observed = new double[experts];
        var row = new int[experts];
        double constant = topK * Hypergeometric.NLogN(labels.Positions);
        var sizes = new Dictionary<int, int>();
        for (int label = 0; label < labels.Count; label++)
        {
            ReadOnlySpan<int> positions = labels[label];
            if (positions.IsEmpty)
            {
                continue;
            }

            sizes[positions.Length] = sizes.GetValueOrDefault(positions.Length) + 1;
            constant -= topK * Hypergeometric.NLogN(positions.Length);
            Count(positions, choices, topK, row);
            for (int expert = 0; expert < experts; expert++)
            {
                chosen[expert] += row[expert];
                observed[expert] += Hypergeometric.NLogN(row[expert]);
            }
        }

        var byChance = new double[experts];
        for (int expert = 0; expert < experts; expert++)
        {
            constant -= Hypergeometric.NLogN(chosen[expert]);
            foreach ((int size, int many) in sizes)
            {
                byChance[expert] += many * Hypergeometric.MeanNLogN(labels.Positions, chosen[expert], size);
            }
        }

        double observations = Math.Max(1.0, (double)labels.Positions * topK);
        return new Association(chosen, observed, byChance, new Information(
            Math.Max(0, (observed.Sum() + constant) / observations), Math.Max(0, (byChance.Sum() + constant) / observations)));
    }

    /// <summary>How often each expert was chosen at some positions.</summary>
    public static void Count(ReadOnlySpan<int> positions, ReadOnlySpan<ushort> choices, int topK, Span<int> counts)
    {
        counts.Clear();
        foreach (int position in positions)
        {
            foreach (ushort expert in choices.Slice(position * topK, topK))
            {
                counts[expert]++;
            }
        }
    }

    private double Entropy(int expert, double[] nLogN) =>
        _chosen[expert] == 0 ? 0 : Math.Max(0, Math.Log2(_chosen[expert]) - nLogN[expert] / _chosen[expert]);
}
