using ExpertCluster.Moe.Routing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>
/// LSTM, mixture, LSTM: the mixture is applied to every position of the sequence, its output passes a sigmoid before dropout in the paper, and
/// residual connections go around each (Shazeer et al. 2017, arXiv:1701.06538, appendix C.1; dropout is left to the caller).
/// </summary>
public sealed class LstmMixture : nn.Module
{
    private readonly LSTM _below;
    private readonly MixtureLayer _mixture;
    private readonly LSTM _above;

    /// <summary>Creates the three layers around a mixture that it owns.</summary>
    /// <param name="mixture">Of width H.</param>
    /// <param name="generator">Source of the start: U(−1/√H, 1/√H).</param>
    /// <param name="type">Float32 or float64.</param>
    public LstmMixture(MixtureLayer mixture, Generator generator, ScalarType type = ScalarType.Float32)
        : base(nameof(LstmMixture))
    {
        ArgumentNullException.ThrowIfNull(mixture);
        _mixture = mixture;
        int hidden = mixture.Experts.Hidden;
        _below = nn.LSTM(hidden, hidden, batchFirst: true, dtype: type);
        _above = nn.LSTM(hidden, hidden, batchFirst: true, dtype: type);
        double bound = 1 / Math.Sqrt(hidden);
        using (no_grad())
        {
            foreach (Parameter parameter in _below.parameters().Concat(_above.parameters()))
            {
                using Tensor uniform = rand(parameter.shape, dtype: type, generator: generator);
                using Tensor spread = (uniform * (2 * bound)) - bound;
                parameter.copy_(spread);
            }
        }

        register_module("below", _below);
        register_module("mixture", mixture);
        register_module("above", _above);
    }

    /// <summary>Runs the three layers.</summary>
    /// <param name="sequences">[B,S,H].</param>
    /// <param name="context">How the gate decides.</param>
    /// <returns>[B,S,H], and the gate's decision over B·S tokens.</returns>
    public (Tensor Rows, GateResult Routing) Forward(Tensor sequences, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        Tensor below = sequences + _below.call(sequences).Item1;
        MixtureOutput mixed = _mixture.Forward(new GateInput(below.flatten(0, 1)), context);
        Tensor middle = below + mixed.Rows.sigmoid().view_as(below);
        return (middle + _above.call(middle).Item1, mixed.Routing);
    }
}
