using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// <c>y = w2(silu(x w1ᵀ) ⊙ x w3ᵀ)</c> (Shazeer 2020, "GLU Variants Improve Transformer", arXiv:2002.05202). w1 and w3 lie in one
/// weight, so that each batch takes two matrix products instead of three. Another activation in place of silu makes the other gated
/// linear units of that paper; GELU makes GEGLU, the dense layers of GLaM.
/// </summary>
public sealed class SwiGluExpert : IExpertNetwork
{
    private readonly Tensor _gateAndUp;
    private readonly Tensor _down;
    private readonly Activation _activation;

    /// <summary>Creates an expert that owns its weights.</summary>
    /// <param name="gateAndUp">Float32 [2F,H]: w1 above w3, detached from any dispose scope.</param>
    /// <param name="down">Float32 [H,F]: w2, detached from any dispose scope.</param>
    /// <param name="activation">What x w1ᵀ goes through.</param>
    /// <exception cref="ArgumentException">The shapes don't fit together.</exception>
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

        _gateAndUp = gateAndUp;
        _down = down;
        _activation = activation;
        HiddenSize = (int)second[0];
        IntermediateSize = (int)second[1];
        Bytes = (gateAndUp.NumberOfElements * gateAndUp.ElementSize) + (down.NumberOfElements * down.ElementSize);
    }

    /// <inheritdoc/>
    public int HiddenSize { get; }

    /// <summary>Width F between the products.</summary>
    public int IntermediateSize { get; }

    /// <inheritdoc/>
    public long Bytes { get; }

    /// <summary>Creates an expert from its three weights, which stay the caller's.</summary>
    /// <param name="w1">Gate, float32 [F,H].</param>
    /// <param name="w2">Down, float32 [H,F]; copied.</param>
    /// <param name="w3">Up, float32 [F,H].</param>
    public static SwiGluExpert FromParts(Tensor w1, Tensor w2, Tensor w3)
    {
        Tensor fused = cat([w1, w3], 0).DetachFromDisposeScope();
        return new SwiGluExpert(fused, w2.clone().DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor rows)
    {
        using Tensor both = nn.functional.linear(rows, _gateAndUp);
        using Tensor gate = both.narrow(1, 0, IntermediateSize);
        using Tensor up = both.narrow(1, IntermediateSize, IntermediateSize);
        Activations.ApplyInPlace(gate, _activation);
        gate.mul_(up);
        return nn.functional.linear(gate, _down);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _gateAndUp.Dispose();
        _down.Dispose();
    }
}
