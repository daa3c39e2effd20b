using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>The experts of one layer in one process, as a module that trains.</summary>
public abstract class ExpertBank : nn.Module
{
    /// <summary>Creates one.</summary>
    protected ExpertBank(string name, int experts, int hidden, ScalarType type)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden, 1);
        (Experts, Hidden, Type) = (experts, hidden, type);
    }

    /// <summary>Number of experts E.</summary>
    public int Experts { get; }

    /// <summary>Width H of inputs and outputs.</summary>
    public int Hidden { get; }

    /// <summary>Element type of the experts; rows are cast to it.</summary>
    public ScalarType Type { get; }

    /// <summary>Runs every expert on its rows.</summary>
    /// <param name="rows">[n,H], those of expert 0 first.</param>
    /// <param name="counts">[E], rows of each expert; they sum to n.</param>
    /// <param name="context">Whether dropout applies.</param>
    /// <returns>[n,H] in the same order.</returns>
    public abstract Tensor ForwardGroups(Tensor rows, long[] counts, RoutingContext context);
}
