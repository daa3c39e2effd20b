using ExpertCluster.Models.Decoding;
using ExpertCluster.Moe;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>The dense part of one layer of an encoder or decoder, each part behind a norm of its own. Owns everything it is given.</summary>
internal sealed class StackLayer : IDisposable
{
    public required Norm SelfNorm { get; init; }

    public required MultiHeadAttention Self { get; init; }

    /// <summary>With <see cref="Cross"/>, in a decoder.</summary>
    public Norm? CrossNorm { get; init; }

    /// <summary>Attention from the target to the source; null in an encoder.</summary>
    public MultiHeadAttention? Cross { get; init; }

    public required Norm NetworkNorm { get; init; }

    /// <summary>The gate of a layer with experts.</summary>
    public DecoderGate? Gate { get; init; }

    /// <summary>The network of a layer without.</summary>
    public IExpertNetwork? Dense { get; init; }

    /// <summary>Norms <paramref name="hidden"/> for network or experts and adds what the dense network makes of it.</summary>
    /// <returns>The normed rows, [T,H]; the caller disposes them.</returns>
    public Tensor AddDense(Tensor hidden)
    {
        Tensor rows = NetworkNorm.Apply(hidden);
        if (Dense is not null)
        {
            using Tensor answer = Dense.Forward(rows);
            hidden.add_(answer);
        }

        return rows;
    }

    public void Dispose()
    {
        foreach (IDisposable? part in (IDisposable?[])[SelfNorm, Self, CrossNorm, Cross, NetworkNorm, Gate, Dense])
        {
            part?.Dispose();
        }
    }
}
