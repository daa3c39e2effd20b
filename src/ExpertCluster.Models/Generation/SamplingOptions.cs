namespace ExpertCluster.Models.Generation;

/// <summary>How the next token is chosen from the logits.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits before the softmax; 0, the default, means greedy: the highest logit wins. Range 0 to 100.</summary>
    public float Temperature { get; init; }

    /// <summary>Only the this many most likely tokens can be drawn; 0, the default, means all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Only the smallest set of most likely tokens whose probabilities reach this sum can be drawn (after top-k, renormalised);
    /// 1, the default, means all. Above 0, at most 1.
    /// </summary>
    public float TopP { get; init; } = 1;

    /// <summary>Seed of the draws: equal seed, position and logits give the equal token, on any node.</summary>
    public long Seed { get; init; }

    /// <summary>Checks all values.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names every such field, its value and its range.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        if (!(Temperature is >= 0 and <= 100))
            problems.Add(FormattableString.Invariant($"{nameof(Temperature)} is {Temperature}; it must be from 0 (greedy) to 100."));
        if (TopK < 0)
            problems.Add(FormattableString.Invariant($"{nameof(TopK)} is {TopK}; it must be 0 (all tokens) or more."));
        if (!(TopP is > 0 and <= 1))
            problems.Add(FormattableString.Invariant($"{nameof(TopP)} is {TopP}; it must be above 0 and at most 1 (all tokens)."));
        if (problems.Count > 0) throw new ArgumentException(string.Join(" ", problems));
    }
}
