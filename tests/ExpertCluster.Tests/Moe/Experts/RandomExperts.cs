using ExpertCluster.Moe;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Tests.Moe.Experts;

/// <summary>Experts of every kind with random weights, and random rows.</summary>
internal static class RandomExperts
{
    public static IReadOnlyList<string> Kinds { get; } = ["swiglu", "geglu", "relu", "relu with biases", "clamped"];

    public static IExpertNetwork Create(string kind, int hidden, int width, int seed, ScalarType type = ScalarType.Float32)
    {
        using var generator = new Generator((ulong)seed, CPU);
        double scale = 1 / Math.Sqrt(hidden);
        return kind switch
        {
            "swiglu" => new SwiGluExpert(Weight(2 * width, hidden), Weight(hidden, width)),
            "geglu" => new SwiGluExpert(Weight(2 * width, hidden), Weight(hidden, width), Activation.Gelu),
            "relu" => new FeedForwardExpert(Weight(width, hidden), null, Weight(hidden, width), null, Activation.Relu),
            "relu with biases" => new FeedForwardExpert(Weight(width, hidden), Weight(width), Weight(hidden, width), Weight(hidden), Activation.Relu),
            "clamped" => new ClampedSwiGluExpert(Weight(2 * width, hidden), Weight(2 * width), Weight(hidden, width), Weight(hidden), 7),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

        Tensor Weight(params long[] shape)
        {
            using Tensor values = randn(shape, generator: generator);
            using Tensor scaled = values * scale;
            using Tensor typed = scaled.to(type);
            return typed.alias().DetachFromDisposeScope();
        }
    }

    public static float[] Rows(int rows, int hidden, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * hidden).Select(_ => (random.NextSingle() * 4) - 2)];
    }
}
