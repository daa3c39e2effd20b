using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>Any modules of equal width as experts.</summary>
public sealed class ModuleExperts : ExpertBank
{
    private readonly nn.Module<Tensor, Tensor>[] _experts;

    /// <summary>Creates a bank that owns its modules.</summary>
    /// <param name="experts">One module [n,H] → [n,H] per expert.</param>
    /// <param name="hidden">H.</param>
    /// <param name="type">Their element type.</param>
    public ModuleExperts(IReadOnlyList<nn.Module<Tensor, Tensor>> experts, int hidden, ScalarType type = ScalarType.Float32)
        : base(nameof(ModuleExperts), experts?.Count ?? 0, hidden, type)
    {
        ArgumentNullException.ThrowIfNull(experts);
        _experts = [.. experts];
        for (int expert = 0; expert < _experts.Length; expert++)
        {
            register_module($"expert{expert}", _experts[expert]);
        }
    }

    /// <inheritdoc/>
    public override Tensor ForwardGroups(Tensor rows, long[] counts, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(counts);
        return GroupedProduct.PerGroup(rows, counts, (expert, group) => _experts[expert].call(group));
    }
}
