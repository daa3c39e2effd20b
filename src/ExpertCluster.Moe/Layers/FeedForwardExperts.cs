using ExpertCluster.Moe.Routing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>Feed-forward experts whose weights lie together, so that a layer takes two grouped products.</summary>
public sealed class FeedForwardExperts : ExpertBank
{
    private readonly Parameter _up;
    private readonly Parameter _down;
    private readonly FeedForwardOptions _options;

    /// <summary>Creates a bank with random weights.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a dropout outside 0 … 1.</exception>
    public FeedForwardExperts(FeedForwardOptions options)
        : base(nameof(FeedForwardExperts), options?.Experts ?? 0, options?.Hidden ?? 0, options?.Type ?? ScalarType.Float32)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Intermediate, 1);
        if (!(options.Dropout is >= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Dropout, "Expert dropout must be 0 to below 1.");
        }

        _options = options;
        bool gated = options.Activation is ExpertActivation.SwiGlu or ExpertActivation.GeGlu;
        long inner = options.Intermediate * (gated ? 2L : 1);
        _up = new Parameter(WeightInit.TruncatedNormal(
            [Experts, Hidden, inner], Hidden, options.InitScale, options.Generator, options.Type, options.Device));
        _down = new Parameter(WeightInit.TruncatedNormal(
            [Experts, options.Intermediate, Hidden], options.Intermediate, options.InitScale, options.Generator, options.Type, options.Device));
        register_parameter("up", _up);
        register_parameter("down", _down);
    }

    /// <summary>First weights, [E,H,F] or, gated, [E,H,2F].</summary>
    public Parameter Up => _up;

    /// <summary>Second weights, [E,F,H].</summary>
    public Parameter Down => _down;

    /// <inheritdoc/>
    public override Tensor ForwardGroups(Tensor rows, long[] counts, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        Tensor inner = Activate(GroupedProduct.Multiply(rows, _up, counts));
        if (context.Training && _options.Dropout > 0)
        {
            Tensor keep = rand(inner.shape, device: inner.device, generator: context.Draw("Expert dropout")).ge(_options.Dropout);
            inner = inner * keep.to(inner.dtype) / (1 - _options.Dropout);
        }

        return GroupedProduct.Multiply(inner, _down, counts).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor values)
    {
        switch (_options.Activation)
        {
            case ExpertActivation.Relu:
                return nn.functional.relu(values);
            case ExpertActivation.Gelu:
                return nn.functional.gelu(values);
        }

        Tensor gate = values.narrow(1, 0, _options.Intermediate);
        Tensor up = values.narrow(1, _options.Intermediate, _options.Intermediate);
        return (_options.Activation == ExpertActivation.SwiGlu ? nn.functional.silu(gate) : nn.functional.gelu(gate)) * up;
    }
}
