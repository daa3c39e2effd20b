using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// The expert of GPT-OSS (arXiv:2508.10925, openai/gpt-oss <c>swiglu</c>): with g and u the two halves of x·W₁ᵀ + b₁, g at most the
/// limit and u within ± it, <c>y = ((u + 1) ⊙ g ⊙ σ(1.702 g)) W₂ᵀ + b₂</c>.
/// </summary>
/// <remarks>In bfloat16 every step is rounded to bfloat16, as transformers rounds its steps.</remarks>
public sealed class ClampedSwiGluExpert : IExpertNetwork
{
    /// <summary>Factor inside the sigmoid.</summary>
    public const double Alpha = 1.702;

    private readonly Tensor _gateAndUp;
    private readonly Tensor _firstBias;
    private readonly Tensor _down;
    private readonly Tensor _secondBias;
    private readonly Scalar _limit;
    private readonly Scalar _least;
    private readonly int _width;

    /// <summary>Creates an expert that owns its weights, all detached from any dispose scope.</summary>
    /// <param name="gateAndUp">[2F,H], float32 or bfloat16: g above u.</param>
    /// <param name="firstBias">[2F] of the same type.</param>
    /// <param name="down">[H,F] of the same type.</param>
    /// <param name="secondBias">[H] of the same type.</param>
    /// <param name="limit">Bound, above 0; infinite for none.</param>
    public ClampedSwiGluExpert(Tensor gateAndUp, Tensor firstBias, Tensor down, Tensor secondBias, double limit)
    {
        ArgumentNullException.ThrowIfNull(gateAndUp);
        ArgumentNullException.ThrowIfNull(firstBias);
        ArgumentNullException.ThrowIfNull(down);
        ArgumentNullException.ThrowIfNull(secondBias);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        long[] shape = down.shape;
        if (shape.Length != 2 || !gateAndUp.shape.AsSpan().SequenceEqual([2 * shape[1], shape[0]])
            || firstBias.NumberOfElements != 2 * shape[1] || secondBias.NumberOfElements != shape[0])
        {
            throw new ArgumentException(
                $"Weights [{string.Join(", ", gateAndUp.shape)}] and [{string.Join(", ", shape)}] and their biases do not fit together.", nameof(down));
        }

        Type = WeightType.Common(gateAndUp, firstBias, down, secondBias);
        (_gateAndUp, _firstBias, _down, _secondBias) = (gateAndUp, firstBias, down, secondBias);
        _limit = limit.ToScalar();
        _least = (-limit).ToScalar();
        HiddenSize = (int)shape[0];
        _width = (int)shape[1];
        Bytes = new[] { gateAndUp, firstBias, down, secondBias }.Sum(t => t.NumberOfElements * t.ElementSize);
    }

    /// <inheritdoc/>
    public int HiddenSize { get; }

    /// <inheritdoc/>
    public ScalarType Type { get; }

    /// <inheritdoc/>
    public long Bytes { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Weights => [_gateAndUp, _firstBias, _down, _secondBias];

    /// <inheritdoc/>
    public Tensor Forward(Tensor rows)
    {
        using Tensor? converted = WeightType.Converted(rows, Type);
        using Tensor both = nn.functional.linear(converted ?? rows, _gateAndUp, _firstBias);
        using Tensor gate = both.narrow(1, 0, _width);
        using Tensor up = both.narrow(1, _width, _width);
        gate.clamp_max_(_limit);
        up.clamp_(_least, _limit);
        using Tensor swish = gate.mul(Alpha);
        swish.sigmoid_();
        swish.mul_(gate);
        up.add_(1);
        swish.mul_(up);
        return nn.functional.linear(swish, _down, _secondBias);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _gateAndUp.Dispose();
        _firstBias.Dispose();
        _down.Dispose();
        _secondBias.Dispose();
        _limit.Dispose();
        _least.Dispose();
    }
}
