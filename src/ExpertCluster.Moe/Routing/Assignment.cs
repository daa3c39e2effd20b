using ExpertCluster.Moe.Layers;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Which rows go to which expert, and how the answers are summed.</summary>
public abstract record Assignment
{
    /// <summary>Number of tokens T.</summary>
    public required long Tokens { get; init; }

    /// <summary>Number of experts E.</summary>
    public required int Experts { get; init; }

    /// <summary>Runs the experts on their rows and sums the answers. Autograd reaches rows, experts and the gate's weights.</summary>
    /// <param name="rows">[T,H].</param>
    /// <param name="experts">E experts of width H. Rows are cast to their type, and answers back (selective precision).</param>
    /// <param name="context">Whether the experts train.</param>
    /// <returns>[T,H] in the rows' type; zero for a token that no expert took: the residual connection carries it.</returns>
    /// <exception cref="ArgumentException">Rows or experts don't fit the assignment.</exception>
    public abstract Tensor Apply(Tensor rows, ExpertBank experts, RoutingContext context);

    /// <summary>Every tensor it holds.</summary>
    internal abstract IEnumerable<Tensor?> Held();

    /// <summary>Refuses rows and experts of other sizes.</summary>
    private protected void Check(Tensor rows, ExpertBank experts)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(experts);
        long[] shape = rows.shape;
        if (shape.Length != 2 || shape[0] != Tokens || shape[1] != experts.Hidden || experts.Experts != Experts)
        {
            throw new ArgumentException(
                $"Rows [{string.Join(", ", shape)}] and {experts.Experts} experts of width {experts.Hidden} don't fit a decision about "
                + $"{Tokens} tokens and {Experts} experts.", nameof(rows));
        }
    }
}
