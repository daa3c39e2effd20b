using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Moe.Layers;

/// <summary>A gate and its experts. The caller adds the residual connection, which carries what no expert took.</summary>
public sealed class MixtureLayer : nn.Module
{
    private readonly Gate _gate;
    private readonly ExpertBank _experts;

    /// <summary>Creates a layer that owns both.</summary>
    /// <exception cref="ArgumentException">The gate decides among another number of experts.</exception>
    public MixtureLayer(Gate gate, ExpertBank experts)
        : base(nameof(MixtureLayer))
    {
        ArgumentNullException.ThrowIfNull(gate);
        ArgumentNullException.ThrowIfNull(experts);
        if (gate.Experts != experts.Experts)
        {
            throw new ArgumentException($"A gate for {gate.Experts} experts and a bank of {experts.Experts}.", nameof(experts));
        }

        (_gate, _experts) = (gate, experts);
        register_module("gate", gate);
        register_module("experts", experts);
    }

    /// <summary>The gate.</summary>
    public Gate Gate => _gate;

    /// <summary>The experts.</summary>
    public ExpertBank Experts => _experts;

    /// <summary>Routes and computes.</summary>
    public MixtureOutput Forward(GateInput input, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(input);
        GateResult routing = _gate.Route(input, context);
        return new MixtureOutput(routing.Assignment.Apply(input.Rows, _experts, context), routing);
    }
}
