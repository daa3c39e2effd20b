using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Orders in which equal values keep the order of their indices, on every device; libtorch's topk promises none.</summary>
public static class StableOrder
{
    /// <summary>Largest k for which k passes of argmax beat a sort.</summary>
    private const int Passes = 4;

    /// <summary>Indices that sort ascending along the last dimension, int64.</summary>
    public static Tensor Ascending(Tensor values) => Order(values, descending: false);

    /// <summary>Indices that sort descending along the last dimension, int64.</summary>
    public static Tensor Descending(Tensor values) => Order(values, descending: true);

    /// <summary>The k largest of each row, largest first, of equals the lowest index.</summary>
    /// <param name="values">[T,E] without NaN.</param>
    /// <param name="k">1 to E.</param>
    /// <returns>Int64 [T,K].</returns>
    /// <exception cref="ArgumentOutOfRangeException">k is not in 1 … E.</exception>
    public static Tensor TopK(Tensor values, int k)
    {
        ArgumentNullException.ThrowIfNull(values);
        long[] shape = values.shape;
        long experts = shape[^1];
        if (k < 1 || k > experts)
        {
            throw new ArgumentOutOfRangeException(nameof(k), k, $"A token can go to 1 to {experts} of {experts} experts, not to {k}.");
        }

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (shape[0] == 0)
        {
            return zeros(0, k, dtype: ScalarType.Int64, device: values.device).MoveToOuterDisposeScope();
        }

        if (k > Passes)
        {
            return ByTopK(values, k, experts).MoveToOuterDisposeScope();
        }

        // argmax gives the first of equals. What was taken becomes −∞; what was −∞ from the start stays above that, or it could be
        // overlooked and an expert taken twice.
        var chosen = new Tensor[k];
        Tensor left = values;
        Tensor taken = full([shape[0], 1], float.NegativeInfinity, dtype: values.dtype, device: values.device);
        for (int choice = 0; choice < k; choice++)
        {
            chosen[choice] = left.argmax(-1, keepdim: true);
            if (choice < k - 1)
            {
                left = choice == 0 ? values.clamp(float.MinValue) : left;
                left.scatter_(-1, chosen[choice], taken);
            }
        }

        return (k == 1 ? chosen[0] : cat(chosen, -1)).MoveToOuterDisposeScope();
    }

    /// <summary>libtorch's topk, which is right whenever no two of the k+1 largest are equal; otherwise a stable sort.</summary>
    private static Tensor ByTopK(Tensor values, int k, long experts)
    {
        if (k < experts)
        {
            (Tensor best, Tensor indices) = values.topk(k + 1, -1);
            if (!best.narrow(-1, 0, k).eq(best.narrow(-1, 1, k)).any().item<bool>())
            {
                return indices.narrow(-1, 0, k).contiguous();
            }
        }

        return Descending(values).narrow(-1, 0, k).contiguous();
    }

    private static Tensor Order(Tensor values, bool descending)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var _ = no_grad();
        (Tensor sorted, Tensor indices) = sort(values, -1, descending, stable: true);
        sorted.Dispose();
        return indices;
    }
}
