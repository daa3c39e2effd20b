using static TorchSharp.torch;

namespace ExpertCluster.Moe.Routing;

/// <summary>Under which circumstances a gate decides.</summary>
public sealed record RoutingContext
{
    /// <summary>Evaluation: no noise, no jitter, evaluation capacity, float32.</summary>
    public static RoutingContext Evaluation { get; } = new();

    /// <summary>Whether noise, jitter, dropout and the training capacity factor apply.</summary>
    public bool Training { get; init; }

    /// <summary>The source of every random choice, on the device of the rows; needed only by policies that draw.</summary>
    public Generator? Generator { get; init; }

    /// <summary>Type of the router's arithmetic: float32 or float64. Weights come out in it.</summary>
    public ScalarType Precision { get; init; } = ScalarType.Float32;

    /// <summary>A training context.</summary>
    /// <param name="generator">The source of random choices.</param>
    /// <param name="precision">Float32 or float64.</param>
    public static RoutingContext Train(Generator? generator, ScalarType precision = ScalarType.Float32) =>
        new() { Training = true, Generator = generator, Precision = precision };

    /// <summary>The generator, for a policy that is about to draw.</summary>
    /// <exception cref="InvalidOperationException">None was passed.</exception>
    internal Generator Draw(string what) =>
        Generator ?? throw new InvalidOperationException($"{what} draws at random: set RoutingContext.Generator.");

    /// <summary>Refuses a precision that would change decisions.</summary>
    internal void CheckPrecision()
    {
        if (Precision is not (ScalarType.Float32 or ScalarType.Float64))
        {
            throw new ArgumentException($"A router computes in float32 or float64, not {Precision}: small logits decide between experts.");
        }
    }
}
