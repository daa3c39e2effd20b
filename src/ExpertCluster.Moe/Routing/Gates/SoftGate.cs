using TorchSharp.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Soft MoE: every slot takes a weighted average of all tokens, every token a weighted average of all slots; nothing is discrete and
/// nothing dropped (Puigcerver et al. 2023, arXiv:2308.00951, algorithm 1 with the normalisation of section 2.3: rows of x and columns
/// of Φ to unit length, times a learned scale).
/// </summary>
public sealed class SoftGate : Gate
{
    private readonly Parameter _phi;
    private readonly Parameter _scale;

    /// <summary>Creates a gate.</summary>
    /// <param name="hidden">H.</param>
    /// <param name="experts">E.</param>
    /// <param name="slotsPerExpert">S, at least 1.</param>
    /// <param name="generator">Source of the start, normal with σ = 1/√H.</param>
    /// <param name="dtype">Float32 or float64.</param>
    /// <param name="device">Device of the weights.</param>
    /// <param name="frozen">Whether Φ and its scale stay as they are.</param>
    public SoftGate(
        int hidden, int experts, int slotsPerExpert, Generator generator, ScalarType dtype = ScalarType.Float32, Device? device = null,
        bool frozen = false)
        : base("soft-moe", experts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(slotsPerExpert, 1);
        (Hidden, SlotsPerExpert) = (hidden, slotsPerExpert);
        using Tensor normal = randn([hidden, (long)experts * slotsPerExpert], dtype: dtype, device: device, generator: generator);
        _phi = new Parameter(normal / Math.Sqrt(hidden), !frozen);
        _scale = new Parameter(ones(1, dtype: dtype, device: device), !frozen);
        register_parameter("phi", _phi);
        register_parameter("scale", _scale);
    }

    /// <summary>Width H of the rows.</summary>
    public int Hidden { get; }

    /// <summary>Slots per expert S.</summary>
    public int SlotsPerExpert { get; }

    /// <inheritdoc/>
    public override GradientKind Gradient => GradientKind.Exact;

    /// <inheritdoc/>
    protected override GateResult RouteCore(GateInput input, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(context);
        long[] shape = input.Rows.shape;
        if (shape.Length != 2 || shape[1] != Hidden)
        {
            throw new ArgumentException($"Rows [{string.Join(", ", shape)}] don't fit a gate of width {Hidden}.", nameof(input));
        }

        Tensor rows = nn.functional.normalize(input.Rows.to(context.Precision), 2, 1, 1e-6);
        Tensor phi = nn.functional.normalize(_phi.to(context.Precision), 2, 0, 1e-6) * _scale.to(context.Precision);
        Tensor logits = rows.matmul(phi);
        LogitCheck.Require(logits);
        return new GateResult(new SoftAssignment
        {
            Tokens = shape[0],
            Experts = Experts,
            Dispatch = logits.softmax(0),
            Combine = logits.softmax(1),
            SlotsPerExpert = SlotsPerExpert,
        });
    }
}
