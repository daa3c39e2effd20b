using ExpertCluster.Models.EncoderDecoder;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>Multi-head attention as encoder–decoders store it.</summary>
/// <param name="hiddenSize">H.</param>
/// <param name="heads">Heads.</param>
/// <param name="headDim">Width of a head.</param>
/// <param name="scale">Factor of the scores.</param>
internal sealed class MultiHeadBlock(long hiddenSize, int heads, int headDim, double scale)
{
    private readonly long _width = (long)heads * headDim;

    /// <summary>Names of the query, key, value and output projections.</summary>
    public required (string Query, string Key, string Value, string Output) Names { get; init; }

    /// <summary>Whether all of them have a bias.</summary>
    public bool Bias { get; init; }

    private string[] Inputs => [Names.Query, Names.Key, Names.Value];

    public void Validate(WeightReader weights, string prefix)
    {
        foreach (string name in Inputs)
        {
            weights.Require($"{prefix}{name}.weight", _width, hiddenSize);
            if (Bias)
            {
                weights.Require($"{prefix}{name}.bias", _width);
            }
        }

        weights.Require($"{prefix}{Names.Output}.weight", hiddenSize, _width);
        if (Bias)
        {
            weights.Require($"{prefix}{Names.Output}.bias", hiddenSize);
        }
    }

    public MultiHeadAttention Load(WeightReader weights, string prefix, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = weights.Stack(device, hiddenSize, Parts("weight"));
        Tensor? bias = Bias ? weights.Stack(device, null, Parts("bias")) : null;
        Tensor output = weights.Read($"{prefix}{Names.Output}.weight", device, hiddenSize, _width);
        Tensor? outputBias = Bias ? weights.Read($"{prefix}{Names.Output}.bias", device, hiddenSize) : null;
        return new MultiHeadAttention(
            heads, headDim, scale, inputs.DetachFromDisposeScope(), bias?.DetachFromDisposeScope(), output.DetachFromDisposeScope(),
            outputBias?.DetachFromDisposeScope());

        (string, long)[] Parts(string kind) => [.. Inputs.Select(name => ($"{prefix}{name}.{kind}", _width))];
    }
}
