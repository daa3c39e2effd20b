using ExpertCluster.Contracts;
using ExpertCluster.Tensors;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Routing;

/// <summary>Rows of float32 into frames and out of answers, which may be of bfloat16.</summary>
internal static class RowTransfer
{
    /// <summary>Writes values into a buffer, rounded to nearest even where it is of bfloat16.</summary>
    public static void Put(ReadOnlySpan<float> values, RowBuffer target, int first)
    {
        if (target.Type == RowType.BFloat16)
        {
            BFloat16Rows.Narrow(values, target.Halves.Span.Slice(first, values.Length));
        }
        else
        {
            values.CopyTo(target.Memory.Span.Slice(first, values.Length));
        }
    }

    /// <summary>Reads as many values as there is room for.</summary>
    public static void Take(RowBuffer source, int first, Span<float> target)
    {
        if (source.Type == RowType.BFloat16)
        {
            BFloat16Rows.Widen(source.Halves.Span.Slice(first, target.Length), target);
        }
        else
        {
            source.Memory.Span.Slice(first, target.Length).CopyTo(target);
        }
    }
}
