using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Moe;

/// <summary>Copies rows between segments and staging buffers, converting where their types differ.</summary>
internal static unsafe class RowConversion
{
    /// <summary>Rows of a segment to a staging buffer.</summary>
    public static void Gather(in ExpertSegment segment, int first, int rows, ScalarType type, byte* target)
    {
        int hidden = segment.Network.HiddenSize;
        (int start, int values) = (first * hidden, rows * hidden);
        if (segment.Type == ScalarType.Float32)
        {
            ReadOnlySpan<float> source = segment.Rows.Span.Slice(start, values);
            if (type == ScalarType.Float32)
            {
                source.CopyTo(new Span<float>(target, values));
            }
            else
            {
                BFloat16Rows.Narrow(source, new Span<ushort>(target, values));
            }
        }
        else
        {
            ReadOnlySpan<ushort> source = segment.HalfRows.Slice(start, values);
            if (type == ScalarType.Float32)
            {
                BFloat16Rows.Widen(source, new Span<float>(target, values));
            }
            else
            {
                source.CopyTo(new Span<ushort>(target, values));
            }
        }
    }

    /// <summary>Answers in a staging buffer to a segment's output.</summary>
    public static void Scatter(byte* source, ScalarType type, in ExpertSegment segment, int first, int rows)
    {
        int hidden = segment.Network.HiddenSize;
        (int start, int values) = (first * hidden, rows * hidden);
        if (segment.Type == ScalarType.Float32)
        {
            Span<float> target = segment.Output.Span.Slice(start, values);
            if (type == ScalarType.Float32)
            {
                new ReadOnlySpan<float>(source, values).CopyTo(target);
            }
            else
            {
                BFloat16Rows.Widen(new ReadOnlySpan<ushort>(source, values), target);
            }
        }
        else
        {
            Span<ushort> target = segment.HalfOutput.Slice(start, values);
            if (type == ScalarType.Float32)
            {
                BFloat16Rows.Narrow(new ReadOnlySpan<float>(source, values), target);
            }
            else
            {
                new ReadOnlySpan<ushort>(source, values).CopyTo(target);
            }
        }
    }
}
