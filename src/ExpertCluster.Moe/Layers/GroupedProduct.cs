using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>
/// Products of consecutive groups of rows with a matrix each, groups of any size and none padded (MegaBlocks, arXiv:2211.15841). bf16 goes
/// through libtorch's grouped product in one call where this libtorch has it, everything else by one product per group.
/// </summary>
public static class GroupedProduct
{
    private const string Script = "def grouped(a, b, offs):\n    return torch._grouped_mm(a, b, offs)\n";

    private static readonly Lazy<jit.CompilationUnit?> Compiled = new(() => FixedScript.HasGroupedProduct ? FixedScript.Compile(Script) : null);

    /// <summary>Whether bf16 products take one call per layer. Loads libtorch.</summary>
    public static bool IsFused => Compiled.Value is not null;

    /// <summary>Multiplies; differentiable.</summary>
    /// <param name="rows">[n,K], group after group.</param>
    /// <param name="weights">[E,K,N].</param>
    /// <param name="counts">[E], rows of each group; they sum to n.</param>
    /// <returns>[n,N].</returns>
    /// <exception cref="ArgumentException">The sizes don't fit together.</exception>
    public static Tensor Multiply(Tensor rows, Tensor weights, long[] counts)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(counts);
        (long[] a, long[] b) = (rows.shape, weights.shape);
        if (a.Length != 2 || b.Length != 3 || a[1] != b[1] || b[0] != counts.Length || counts.Sum() != a[0])
        {
            throw new ArgumentException(
                $"Rows [{string.Join(", ", a)}] in {counts.Length} groups of {counts.Sum()} don't fit weights [{string.Join(", ", b)}].", nameof(rows));
        }

        // Rows of the operator's operands must start at multiples of 16 bytes.
        if (rows.dtype == ScalarType.BFloat16 && a[0] > 0 && b[1] % 8 == 0 && b[2] % 8 == 0 && Compiled.Value is { } unit)
        {
            using var scope = NewDisposeScope();
            var ends = new int[counts.Length];
            long end = 0;
            for (int group = 0; group < ends.Length; group++)
            {
                ends[group] = (int)(end += counts[group]);
            }

            return unit.invoke<Tensor>("grouped", rows.contiguous(), weights, tensor(ends, device: rows.device)).MoveToOuterDisposeScope();
        }

        return PerGroup(rows, counts, (group, part) => part.matmul(weights[group]));
    }

    /// <summary>Applies a function to each group that has rows, and joins the results.</summary>
    internal static Tensor PerGroup(Tensor rows, long[] counts, Func<int, Tensor, Tensor> compute)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>(counts.Length);
        long start = 0;
        for (int group = 0; group < counts.Length; group++)
        {
            if (counts[group] > 0)
            {
                parts.Add(compute(group, rows.narrow(0, start, counts[group])));
                start += counts[group];
            }
        }

        // No rows at all: an empty group tells the width of the result.
        return (parts.Count == 0 ? compute(0, rows) : cat(parts, 0)).MoveToOuterDisposeScope();
    }
}
