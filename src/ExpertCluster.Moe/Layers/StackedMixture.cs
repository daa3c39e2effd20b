using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>
/// Mixtures on top of each other, each with its own gate that sees what the one below gave (Eigen et al. 2013, arXiv:1312.4314). With n
/// experts in each of two layers there are n² effective ones.
/// </summary>
public sealed class StackedMixture : nn.Module
{
    private readonly MixtureLayer[] _layers;

    /// <summary>Creates a stack that owns its layers.</summary>
    /// <exception cref="ArgumentException">No layers, or of different widths.</exception>
    public StackedMixture(IReadOnlyList<MixtureLayer> layers)
        : base(nameof(StackedMixture))
    {
        ArgumentNullException.ThrowIfNull(layers);
        if (layers.Count == 0 || layers.Any(l => l.Experts.Hidden != layers[0].Experts.Hidden))
        {
            throw new ArgumentException("A stack needs layers of one width.", nameof(layers));
        }

        _layers = [.. layers];
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            register_module($"layer{layer}", _layers[layer]);
        }
    }

    /// <summary>Number of layers.</summary>
    public int Depth => _layers.Length;

    /// <summary>Runs all layers.</summary>
    /// <param name="rows">[T,H].</param>
    /// <param name="context">How the gates decide.</param>
    /// <returns>One output per layer, the last one's rows being the stack's.</returns>
    public IReadOnlyList<MixtureOutput> Forward(Tensor rows, RoutingContext context)
    {
        var outputs = new MixtureOutput[_layers.Length];
        for (int layer = 0; layer < outputs.Length; layer++)
        {
            outputs[layer] = _layers[layer].Forward(new GateInput(layer == 0 ? rows : outputs[layer - 1].Rows), context);
        }

        return outputs;
    }
}
