namespace ExpertCluster.Models;

/// <summary>How a gate's logits become choices and weights.</summary>
public sealed record RouterRule
{
    /// <summary>Experts E.</summary>
    public required int Experts { get; init; }

    /// <summary>Experts per token k.</summary>
    public required int TopK { get; init; }

    /// <summary>Whether the chosen weights are scaled to sum to 1.</summary>
    public required bool Normalise { get; init; }

    /// <summary>Factor of the weights, after the scaling.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Whether scores are sigmoids of the logits instead of their softmax.</summary>
    public bool Sigmoid { get; init; }

    /// <summary>Groups the experts are divided into, in order; 1 for none.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Groups a token may choose from.</summary>
    public int TopGroups { get; init; } = 1;

    /// <summary>Whether a group is as good as the sum of its two best (DeepSeek-V3) instead of its best (DeepSeek-V2).</summary>
    public bool GroupByTwoBest { get; init; }

    /// <summary>
    /// The experts that all tokens are sent to by rank of the choice, whatever was chosen, keeping the choices' weights; null to send them
    /// where they belong. Reproduces a defect of a reference (see <see cref="Families.IModelFamily.ReferenceDefect"/>).
    /// </summary>
    public IReadOnlyList<int>? ExpertsByRank { get; init; }
}
