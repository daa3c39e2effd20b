using ExpertCluster.Moe.Routing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>
/// A causal pre-norm Transformer layer whose feed-forward network is a mixture; with one dense expert and no gate to speak of it is the dense
/// layer that GShard and GLaM put between (<see cref="AlternatingStack"/>).
/// </summary>
public sealed class TransformerBlock : nn.Module
{
    private readonly Parameter _attention;
    private readonly Parameter _output;
    private readonly MixtureLayer _mixture;
    private readonly RelativePositionBias? _position;
    private readonly int _heads;

    /// <summary>Creates a block that owns its mixture.</summary>
    /// <param name="mixture">Of width H, a multiple of the heads.</param>
    /// <param name="heads">Heads of the attention.</param>
    /// <param name="generator">Source of the start.</param>
    /// <param name="relativePosition">Whether it has a relative position bias of its own (GLaM).</param>
    /// <param name="type">Float32 or float64.</param>
    /// <exception cref="ArgumentException">The width is no multiple of the heads.</exception>
    public TransformerBlock(
        MixtureLayer mixture, int heads, Generator generator, bool relativePosition = false, ScalarType type = ScalarType.Float32)
        : base(nameof(TransformerBlock))
    {
        ArgumentNullException.ThrowIfNull(mixture);
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        int hidden = mixture.Experts.Hidden;
        if (hidden % heads != 0)
        {
            throw new ArgumentException($"A width of {hidden} doesn't split into {heads} heads.", nameof(heads));
        }

        (_mixture, _heads) = (mixture, heads);
        _attention = new Parameter(WeightInit.TruncatedNormal([3L * hidden, hidden], hidden, 1, generator, type));
        _output = new Parameter(WeightInit.TruncatedNormal([hidden, hidden], hidden, 1, generator, type));
        register_parameter("attention", _attention);
        register_parameter("output", _output);
        register_module("mixture", mixture);
        if (relativePosition)
        {
            _position = new RelativePositionBias(heads, type: type);
            register_module("position", _position);
        }
    }

    /// <summary>The feed-forward part.</summary>
    public MixtureLayer Mixture => _mixture;

    /// <summary>Runs attention and mixture, each on normalised rows and with a residual connection around it.</summary>
    /// <param name="sequences">[B,S,H].</param>
    /// <param name="context">How the gate decides.</param>
    /// <returns>[B,S,H], and the gate's decision over B·S tokens.</returns>
    public (Tensor Rows, GateResult Routing) Forward(Tensor sequences, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        Tensor attended = sequences + Attend(Normalise(sequences));
        MixtureOutput mixed = _mixture.Forward(new GateInput(Normalise(attended).flatten(0, 1)), context);
        return (attended + mixed.Rows.view_as(attended), mixed.Routing);
    }

    private static Tensor Normalise(Tensor rows) => nn.functional.layer_norm(rows, [rows.shape[^1]]);

    private Tensor Attend(Tensor rows)
    {
        long[] shape = rows.shape;
        (long batch, long length, long hidden) = (shape[0], shape[1], shape[2]);
        Tensor[] parts = nn.functional.linear(rows, _attention).view(batch, length, 3, _heads, hidden / _heads).permute(2, 0, 3, 1, 4).unbind(0);
        Tensor later = ones(length, length, dtype: ScalarType.Bool, device: rows.device).triu(1);
        Tensor scores = parts[0].matmul(parts[1].transpose(-1, -2)) / Math.Sqrt((double)hidden / _heads);
        scores = _position is null ? scores : scores + _position.Forward((int)length);
        Tensor mixed = scores.masked_fill(later, double.NegativeInfinity).softmax(-1).matmul(parts[2]);
        return nn.functional.linear(mixed.transpose(1, 2).reshape(batch, length, hidden), _output);
    }
}
