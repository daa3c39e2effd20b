using ExpertCluster.Models.EncoderDecoder;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>An encoder or a decoder as checkpoints store it.</summary>
internal sealed class StackBlock
{
    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Which of them have experts, counted within the stack.</summary>
    public required IReadOnlySet<int> Sparse { get; init; }

    /// <summary>Names of a layer's parts.</summary>
    public required Func<int, StackNames> Names { get; init; }

    /// <summary>Name of the norm after the last layer.</summary>
    public required string FinalNorm { get; init; }

    /// <summary>All norms.</summary>
    public required NormBlock Norm { get; init; }

    /// <summary>All attentions.</summary>
    public required MultiHeadBlock Attention { get; init; }

    /// <summary>The network of layers without experts.</summary>
    public required FeedForwardBlock Dense { get; init; }

    /// <summary>What layers with experts have; its name is that of the network.</summary>
    public required MoeBlock Moe { get; init; }

    /// <summary>Bias of relative positions: name, buckets, heads, largest distance, both directions; null for none.</summary>
    public (string Name, int Buckets, int Heads, int Largest, bool Bidirectional)? Bias { get; init; }

    /// <summary>Checks from headers alone that every tensor is there.</summary>
    public void Validate(WeightReader weights, long hiddenSize)
    {
        for (int layer = 0; layer < Layers; layer++)
        {
            StackNames names = Names(layer);
            Norm.Validate(weights, names.SelfNorm);
            Attention.Validate(weights, names.Self);
            if (names.Cross is not null)
            {
                Norm.Validate(weights, names.CrossNorm!);
                Attention.Validate(weights, names.Cross);
            }

            Norm.Validate(weights, names.NetworkNorm);
            if (Sparse.Contains(layer))
            {
                Moe.Validate(weights, names.Network, hiddenSize);
            }
            else
            {
                Dense.Validate(weights, names.Network);
            }
        }

        Norm.Validate(weights, FinalNorm);
        if (Bias is { } bias)
        {
            weights.Require(bias.Name, bias.Buckets, bias.Heads);
        }
    }

    /// <summary>Loads everything but the experts.</summary>
    public Stack Load(WeightReader weights, long hiddenSize, Device device)
    {
        RelativeBias? table = null;
        if (Bias is { } bias)
        {
            Tensor values = weights.Read(bias.Name, device, bias.Buckets, bias.Heads).DetachFromDisposeScope();
            table = new RelativeBias(values, bias.Buckets, bias.Largest, bias.Bidirectional);
        }

        return new Stack(
            [.. Enumerable.Range(0, Layers).Select(layer => LoadLayer(weights, layer, hiddenSize, device))],
            Norm.Load(weights, FinalNorm, device), table);
    }

    private StackLayer LoadLayer(WeightReader weights, int layer, long hiddenSize, Device device)
    {
        StackNames names = Names(layer);
        bool sparse = Sparse.Contains(layer);
        return new StackLayer
        {
            SelfNorm = Norm.Load(weights, names.SelfNorm, device),
            Self = Attention.Load(weights, names.Self, device),
            CrossNorm = names.CrossNorm is null ? null : Norm.Load(weights, names.CrossNorm, device),
            Cross = names.Cross is null ? null : Attention.Load(weights, names.Cross, device),
            NetworkNorm = Norm.Load(weights, names.NetworkNorm, device),
            Gate = sparse ? Moe.LoadGate(weights, names.Network, hiddenSize, device) : null,
            Dense = sparse ? null : Dense.Load(weights, names.Network, device),
        };
    }
}
