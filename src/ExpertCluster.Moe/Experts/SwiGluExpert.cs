using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// <c>y = w2(silu(x w1ᵀ) ⊙ x w3ᵀ)</c> (Shazeer 2020, "GLU Variants Improve Transformer", arXiv:2002.05202). w1 and w3 lie in one
/// weight, so that each batch takes two matrix products instead of three. Another activation in place of silu makes the other gated
/// linear units of that paper; GELU makes GEGLU, the dense layers of GLaM.
/// </summary>
/// <remarks>
/// In bfloat16 both products, the activation and the product of the halves are rounded to bfloat16 each, as transformers rounds them for a
/// model in bfloat16.
/// </remarks>
public sealed class SwiGluExpert : IExpertNetwork
{
    private readonly Tensor _gateAndUp;
    private readonly Tensor _down;
    private readonly Activation _activation;

    // Kept, for a view made anew costs as much as a small product.
    private readonly Tensor _gateAndUpColumns;
    private readonly Tensor _downColumns;

    /// <summary>Creates an expert that owns its weights.</summary>
    /// <param name="gateAndUp">[2F,H], float32 or bfloat16: w1 above w3, detached from any dispose scope.</param>
    /// <param name="down">[H,F] of the same type: w2, detached from any dispose scope.</param>
    /// <param name="activation">What x w1ᵀ goes through.</param>
    /// <exception cref="ArgumentException">The shapes or types don't fit together.</exception>
    public SwiGluExpert(Tensor gateAndUp, Tensor down, Activation activation = Activation.Silu)
    {
        ArgumentNullException.ThrowIfNull(gateAndUp);
        ArgumentNullException.ThrowIfNull(down);
        long[] first = gateAndUp.shape;
        long[] second = down.shape;
        if (first.Length != 2 || second.Length != 2 || first[0] != 2 * second[1] || first[1] != second[0])
        {
            throw new ArgumentException(
                $"Weights [{string.Join(", ", first)}] and [{string.Join(", ", second)}] are not [2F, H] and [H, F].", nameof(down));
        }

        Type = WeightType.Common(gateAndUp, down);
        _gateAndUp = gateAndUp;
        _down = down;
        _activation = activation;
        _gateAndUpColumns = gateAndUp.t().DetachFromDisposeScope();
        _downColumns = down.t().DetachFromDisposeScope();
        HiddenSize = (int)second[0];
        IntermediateSize = (int)second[1];
        Bytes = (gateAndUp.NumberOfElements * gateAndUp.ElementSize) + (down.NumberOfElements * down.ElementSize);
    }

    private SwiGluExpert(ExpertSlot slot, Tensor gateAndUp, Tensor down)
        : this(gateAndUp, down)
    {
        Slot = slot;
    }

    /// <inheritdoc/>
    public int HiddenSize { get; }

    /// <inheritdoc/>
    public ScalarType Type { get; }

    /// <summary>Width F between the products.</summary>
    public int IntermediateSize { get; }

    /// <inheritdoc/>
    public long Bytes { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Weights => [_gateAndUp, _down];

    /// <summary>Its place in a slab; null where its weights lie by themselves.</summary>
    internal ExpertSlot? Slot { get; }

    /// <summary>[2F,H].</summary>
    internal Tensor GateAndUp => _gateAndUp;

    /// <summary>[H,F].</summary>
    internal Tensor Down => _down;

    /// <summary>Whether <see cref="ExpertScripts"/> compute it.</summary>
    internal bool IsScripted => _activation == Activation.Silu;

    /// <summary>Whether a grouped product may: rows of bfloat16 operands begin at multiples of 16 bytes.</summary>
    internal bool CanBeGrouped => IsScripted && Type == ScalarType.BFloat16 && HiddenSize % 8 == 0 && IntermediateSize % 8 == 0;

    internal Device Device => _gateAndUp.device;

    /// <summary>Creates an expert from its three weights, which stay the caller's.</summary>
    /// <param name="w1">Gate, [F,H], float32 or bfloat16.</param>
    /// <param name="w2">Down, [H,F]; copied.</param>
    /// <param name="w3">Up, [F,H].</param>
    public static SwiGluExpert FromParts(Tensor w1, Tensor w2, Tensor w3)
    {
        Tensor fused = cat([w1, w3], 0).DetachFromDisposeScope();
        return new SwiGluExpert(fused, w2.clone().DetachFromDisposeScope());
    }

    /// <summary>Copies the weights into a slot; this expert keeps its own.</summary>
    internal SwiGluExpert MoveTo(ExpertSlot slot)
    {
        Tensor gateAndUp = slot.Slab.GateAndUp.select(0, slot.Index).DetachFromDisposeScope();
        Tensor down = slot.Slab.Down.select(0, slot.Index).DetachFromDisposeScope();
        gateAndUp.copy_(_gateAndUp);
        down.copy_(_down);
        return new SwiGluExpert(slot, gateAndUp, down);
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor rows)
    {
        using Tensor? converted = WeightType.Converted(rows, Type);
        using Tensor both = nn.functional.linear(converted ?? rows, _gateAndUp);
        using Tensor gate = both.narrow(1, 0, IntermediateSize);
        using Tensor up = both.narrow(1, IntermediateSize, IntermediateSize);
        Activations.ApplyInPlace(gate, _activation);
        gate.mul_(up);
        return nn.functional.linear(gate, _down);
    }

    /// <inheritdoc/>
    public void Forward(Tensor rows, int count, Tensor output, ExpertWorkspace workspace)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(workspace);
        using ExpertScratch both = workspace.Take(count, 2 * IntermediateSize, halves: true);
        both.All.addmm_(rows, _gateAndUpColumns, 0, 1);
        Activations.ApplyInPlace(both.Left, _activation);
        both.Left.mul_(both.Right);
        output.addmm_(both.Left, _downColumns, 0, 1);
    }

    /// <summary>Frees the weights, or leaves their slot.</summary>
    public void Dispose()
    {
        _gateAndUpColumns.Dispose();
        _downColumns.Dispose();
        _gateAndUp.Dispose();
        _down.Dispose();
        Slot?.Release();
    }
}
