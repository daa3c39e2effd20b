using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>Root-mean-square norm (Zhang and Sennrich 2019, arXiv:1910.07467) over the last axis.</summary>
internal static class RmsNorm
{
    private static readonly long[] LastAxis = [-1];

    /// <summary>Norms [.., n] with a weight [n]; the caller disposes the result.</summary>
    public static Tensor Apply(Tensor rows, Tensor weight, Scalar epsilon)
    {
        using Tensor scale = Scale(rows, epsilon);
        Tensor normed = rows.mul(scale);
        return normed.mul_(weight);
    }

    /// <summary>Norms [.., n] where it lies; a view will do.</summary>
    public static void ApplyInPlace(Tensor rows, Tensor weight, Scalar epsilon)
    {
        using Tensor scale = Scale(rows, epsilon);
        rows.mul_(scale);
        rows.mul_(weight);
    }

    private static Tensor Scale(Tensor rows, Scalar epsilon)
    {
        using Tensor squares = rows.mul(rows);
        Tensor scale = squares.mean(LastAxis, true);
        scale.add_(epsilon);
        return scale.rsqrt_();
    }
}
