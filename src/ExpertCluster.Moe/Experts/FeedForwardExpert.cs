using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// <c>y = wo·act(wi·x + bi) + bo</c>, the network of Vaswani et al. 2017 (arXiv:1706.03762, section 3.3): the expert of GShard, Switch
/// Transformers, GLaM (all without biases) and NLLB-MoE (with them).
/// </summary>
/// <remarks>In bfloat16 each product, with its bias, and the activation are rounded to bfloat16, as transformers rounds them.</remarks>
public sealed class FeedForwardExpert : IExpertNetwork
{
    private readonly Tensor _first;
    private readonly Tensor? _firstBias;
    private readonly Tensor _second;
    private readonly Tensor? _secondBias;

    // Kept, for a view made anew costs as much as a small product.
    private readonly Tensor _firstColumns;
    private readonly Tensor _secondColumns;

    /// <summary>Creates an expert that owns its weights, all detached from any dispose scope.</summary>
    /// <param name="first">wi, [F,H], float32 or bfloat16.</param>
    /// <param name="firstBias">bi, [F] of the same type, or null.</param>
    /// <param name="second">wo, [H,F] of the same type.</param>
    /// <param name="secondBias">bo, [H] of the same type, or null.</param>
    /// <param name="activation">Between the products.</param>
    /// <exception cref="ArgumentException">The shapes or types don't fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No such activation.</exception>
    public FeedForwardExpert(Tensor first, Tensor? firstBias, Tensor second, Tensor? secondBias, Activation activation)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (!Enum.IsDefined(activation))
        {
            throw new ArgumentOutOfRangeException(nameof(activation), activation, "No such activation.");
        }

        long[] up = first.shape;
        long[] down = second.shape;
        if (up.Length != 2 || !down.AsSpan().SequenceEqual([up[1], up[0]]))
        {
            throw new ArgumentException(
                $"Weights [{string.Join(", ", up)}] and [{string.Join(", ", down)}] are not [F, H] and [H, F].", nameof(second));
        }

        CheckBias(firstBias, up[0], nameof(firstBias));
        CheckBias(secondBias, up[1], nameof(secondBias));
        Type = WeightType.Common(first, firstBias, second, secondBias);
        (_first, _firstBias, _second, _secondBias) = (first, firstBias, second, secondBias);
        _firstColumns = first.t().DetachFromDisposeScope();
        _secondColumns = second.t().DetachFromDisposeScope();
        HiddenSize = (int)up[1];
        IntermediateSize = (int)up[0];
        Activation = activation;
        Bytes = new[] { first, firstBias, second, secondBias }.Sum(t => t is null ? 0 : t.NumberOfElements * t.ElementSize);
    }

    /// <inheritdoc/>
    public int HiddenSize { get; }

    /// <inheritdoc/>
    public ScalarType Type { get; }

    /// <summary>Width F between the products.</summary>
    public int IntermediateSize { get; }

    /// <summary>What lies between the products.</summary>
    public Activation Activation { get; }

    /// <inheritdoc/>
    public long Bytes { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Weights => [.. new[] { _first, _firstBias, _second, _secondBias }.OfType<Tensor>()];

    /// <inheritdoc/>
    public Tensor Forward(Tensor rows)
    {
        using Tensor? converted = WeightType.Converted(rows, Type);
        using Tensor inner = nn.functional.linear(converted ?? rows, _first, _firstBias);
        Activations.ApplyInPlace(inner, Activation);
        return nn.functional.linear(inner, _second, _secondBias);
    }

    /// <inheritdoc/>
    public void Forward(Tensor rows, int count, Tensor output, ExpertWorkspace workspace)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(workspace);
        if (_firstBias is not null || _secondBias is not null)
        {
            using Tensor result = Forward(rows);
            output.copy_(result);
            return;
        }

        using ExpertScratch inner = workspace.Take(count, IntermediateSize, halves: false);
        inner.All.addmm_(rows, _firstColumns, 0, 1);
        Activations.ApplyInPlace(inner.All, Activation);
        output.addmm_(inner.All, _secondColumns, 0, 1);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _firstColumns.Dispose();
        _secondColumns.Dispose();
        _first.Dispose();
        _firstBias?.Dispose();
        _second.Dispose();
        _secondBias?.Dispose();
    }

    private static void CheckBias(Tensor? bias, long width, string name)
    {
        if (bias is not null && !bias.shape.AsSpan().SequenceEqual([width]))
        {
            throw new ArgumentException($"A bias [{string.Join(", ", bias.shape)}] is not [{width}].", name);
        }
    }
}
