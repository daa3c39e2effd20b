using ExpertCluster.Moe.Layers;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Every slot is a mixture of all tokens (Puigcerver et al. 2023, "From Sparse to Soft Mixtures of Experts", arXiv:2308.00951).</summary>
public sealed record SoftAssignment : Assignment
{
    /// <summary>Share of each token in each slot, [T,E·S], columns sum to 1.</summary>
    public required Tensor Dispatch { get; init; }

    /// <summary>Share of each slot in each token's output, [T,E·S], rows sum to 1.</summary>
    public required Tensor Combine { get; init; }

    /// <summary>Slots per expert S.</summary>
    public required int SlotsPerExpert { get; init; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor rows, ExpertBank experts, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Check(rows, experts);
        using var scope = NewDisposeScope();
        if (Tokens == 0)
        {
            // A mixture of no tokens is no input: the experts are not asked.
            return (rows * 1).MoveToOuterDisposeScope();
        }

        Tensor slots = Dispatch.t().matmul(rows.to(Dispatch.dtype)).to(experts.Type);
        long[] counts = new long[Experts];
        Array.Fill(counts, SlotsPerExpert);
        Tensor answers = experts.ForwardGroups(slots, counts, context).to(Combine.dtype);
        return Combine.matmul(answers).to(rows.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override IEnumerable<Tensor?> Held() => [Dispatch, Combine];
}
