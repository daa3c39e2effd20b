using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>
/// Transformer blocks of which every other has a mixture and the rest one dense network (GShard, arXiv:2006.16668, section 2.2; GLaM,
/// arXiv:2112.06905, section 4: dense networks are gated by GELU there, and each layer has a position bias).
/// </summary>
public sealed class AlternatingStack : nn.Module
{
    private readonly TransformerBlock[] _blocks;

    private AlternatingStack(TransformerBlock[] blocks)
        : base(nameof(AlternatingStack))
    {
        _blocks = blocks;
        for (int layer = 0; layer < blocks.Length; layer++)
        {
            register_module($"layer{layer}", blocks[layer]);
        }
    }

    /// <summary>Indices of the layers with a mixture: 1, 3, …</summary>
    public IReadOnlyList<int> MixtureLayers => [.. Enumerable.Range(0, _blocks.Length).Where(HasMixture)];

    /// <summary>Builds a stack.</summary>
    /// <param name="preset">Scheme of the mixtures; with <c>glam</c>, dense networks are GELU-gated and layers have position biases.</param>
    /// <param name="settings">Sizes of the gates.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="heads">Heads of each attention.</param>
    /// <param name="intermediate">Inner width of experts and dense networks.</param>
    public static AlternatingStack Create(GatePreset preset, GateSettings settings, int layers, int heads, int intermediate)
    {
        ArgumentNullException.ThrowIfNull(preset);
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentOutOfRangeException.ThrowIfLessThan(layers, 1);
        bool glam = preset.Name == "glam";
        return new AlternatingStack([.. Enumerable.Range(0, layers).Select(layer =>
        {
            var options = new FeedForwardOptions
            {
                Experts = HasMixture(layer) ? settings.Experts : 1,
                Hidden = settings.Hidden,
                Intermediate = intermediate,
                Generator = settings.Generator,
                Activation = glam && !HasMixture(layer) ? ExpertActivation.GeGlu : ExpertActivation.Relu,
                Type = settings.Type,
                Device = settings.Device,
            };
            // One expert under a softmax has weight 1: a dense network. What concerns choices has no meaning there.
            Gate gate = HasMixture(layer)
                ? preset.Create(settings)
                : Jacobs1991.Preset.Create(new GateSettings
                {
                    Hidden = settings.Hidden,
                    Experts = 1,
                    Generator = settings.Generator,
                    Frozen = settings.Frozen,
                    Type = settings.Type,
                    Device = settings.Device,
                });
            return new TransformerBlock(new MixtureLayer(gate, new FeedForwardExperts(options)), heads, settings.Generator, glam, settings.Type);
        })]);
    }

    /// <summary>Runs all layers.</summary>
    /// <param name="sequences">[B,S,H].</param>
    /// <param name="context">How the gates decide.</param>
    /// <returns>[B,S,H], and the decisions of the layers with mixtures.</returns>
    public (Tensor Rows, IReadOnlyList<GateResult> Routing) Forward(Tensor sequences, RoutingContext context)
    {
        var routing = new List<GateResult>();
        Tensor rows = sequences;
        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            (rows, GateResult result) = _blocks[layer].Forward(rows, context);
            if (HasMixture(layer))
            {
                routing.Add(result);
            }
        }

        return (rows, routing);
    }

    private static bool HasMixture(int layer) => layer % 2 == 1;
}
