using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>The element type an expert's weights share.</summary>
internal static class WeightType
{
    /// <summary>The type of all weights.</summary>
    /// <exception cref="ArgumentException">They differ.</exception>
    public static ScalarType Common(params ReadOnlySpan<Tensor?> weights)
    {
        ScalarType? type = null;
        foreach (Tensor? weight in weights)
        {
            if (weight is not null && weight.dtype != (type ??= weight.dtype))
            {
                throw new ArgumentException($"Weights of {type} and {weight.dtype} don't fit together.", nameof(weights));
            }
        }

        return type ?? throw new ArgumentException("No weights.", nameof(weights));
    }

    /// <summary>Rows in another type; null where they are of it already.</summary>
    public static Tensor? Converted(Tensor rows, ScalarType type) => rows.dtype == type ? null : rows.to(type);
}
