using System.Buffers;
using System.Text;
using ExpertCluster.Contracts;
using MessagePack;

namespace ExpertCluster.Transport;

/// <summary>
/// Headers of frames and answers, as MessagePack. Their rows travel behind them as raw little-endian float32 or bfloat16. Fields are only ever appended;
/// readers skip what they do not know.
/// </summary>
public static class FrameCodec
{
    private const int FrameFields = 7;
    private const int ResultFields = 3;

    /// <summary>With the rows' element type, which an answer of float32 leaves out.</summary>
    private const int TypedResultFields = 4;

    /// <summary>Writes a dispatch's header.</summary>
    public static void Write(DispatchFrame frame, IBufferWriter<byte> target)
    {
        var writer = new MessagePackWriter(target);
        writer.WriteArrayHeader(FrameFields);
        writer.Write(frame.Model);
        writer.Write(frame.Layer);
        writer.Write(frame.Epoch);
        writer.Write((long)Math.Max(0, frame.Remaining.TotalMilliseconds));
        writer.Write(frame.HiddenSize);
        writer.WriteArrayHeader(frame.Segments.Count * 3);
        for (var i = 0; i < frame.Segments.Count; i++)
        {
            var segment = frame.Segments[i];
            writer.Write(segment.Replica.Expert);
            writer.Write(segment.Replica.Number);
            writer.Write(segment.Rows);
        }

        writer.Write((int)frame.Rows.Type);
        writer.Flush();
    }

    /// <summary>Writes an answer's header.</summary>
    public static void Write(DispatchResult result, IBufferWriter<byte> target)
    {
        var writer = new MessagePackWriter(target);
        writer.WriteArrayHeader(result.Rows.Type == RowType.Float32 ? ResultFields : TypedResultFields);
        writer.Write(result.ComputeMicroseconds);
        writer.WriteArrayHeader(result.Segments.Count * 3);
        for (var i = 0; i < result.Segments.Count; i++)
        {
            var segment = result.Segments[i];
            writer.Write((int)segment.Status);
            writer.Write(segment.Credits);
            writer.Write(segment.Detail);
        }

        writer.Write(result.QueueMicroseconds);
        if (result.Rows.Type != RowType.Float32)
        {
            writer.Write((int)result.Rows.Type);
        }

        writer.Flush();
    }

    /// <summary>Reads a dispatch's header and rents room for its rows, which are still to be filled.</summary>
    /// <param name="header">The header.</param>
    /// <param name="bodyBytes">Bytes of the rows that follow.</param>
    /// <param name="knownModel">A model's name that need not be read again; null for none.</param>
    /// <exception cref="MessagePackSerializationException">Malformed: nothing of it can be trusted, and nothing was rented.</exception>
    public static DispatchFrame ReadFrame(ReadOnlyMemory<byte> header, long bodyBytes, string? knownModel = null)
    {
        try
        {
            return ParseFrame(header, bodyBytes, knownModel);
        }
        catch (Exception e) when (e is not MessagePackSerializationException)
        {
            // The reader has an exception of its own for bytes that end too soon, and another for numbers that are too large.
            throw new MessagePackSerializationException($"Malformed frame: {e.Message}", e);
        }
    }

    /// <summary>Reads the header of an answer to a frame; its rows are still to be filled.</summary>
    /// <param name="header">The header.</param>
    /// <param name="bodyBytes">Bytes of the rows that follow.</param>
    /// <param name="segments">Segments of the frame.</param>
    /// <param name="values">A quarter of the bytes of the frame's rows: an answer has as many bytes as its frame, in the same type.</param>
    /// <exception cref="MessagePackSerializationException">Malformed, or not an answer to that frame; nothing was rented.</exception>
    public static DispatchResult ReadResult(ReadOnlyMemory<byte> header, long bodyBytes, int segments, int values)
    {
        try
        {
            return ParseResult(header, bodyBytes, segments, values);
        }
        catch (Exception e) when (e is not MessagePackSerializationException)
        {
            throw new MessagePackSerializationException($"Malformed frame: {e.Message}", e);
        }
    }

    private static DispatchFrame ParseFrame(ReadOnlyMemory<byte> header, long bodyBytes, string? knownModel)
    {
        var reader = new MessagePackReader(header);
        var fields = reader.ReadArrayHeader();
        Require(fields >= FrameFields - 1, "a dispatch has at least 6 header fields");
        var model = ReadModel(ref reader, knownModel);
        var layer = reader.ReadInt32();
        var epoch = reader.ReadInt64();
        var remaining = TimeSpan.FromMilliseconds(Math.Clamp(reader.ReadInt64(), 0, int.MaxValue));
        var hidden = reader.ReadInt32();
        Require(hidden > 0, "the hidden size is positive");
        var count = reader.ReadArrayHeader();
        Require(count % 3 == 0 && count <= header.Length, "segments have three fields each");
        var segments = new DispatchSegment[count / 3];
        long rows = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = new DispatchSegment(new ReplicaId(layer, reader.ReadInt32(), reader.ReadInt32()), reader.ReadInt32());
            Require(segments[i].Rows > 0, "a segment has rows");
            rows += segments[i].Rows;
        }

        var type = fields >= FrameFields ? ReadType(ref reader) : RowType.Float32;
        Require((Int128)rows * hidden * type.Size() == bodyBytes, "the body holds every row of every segment");
        return new DispatchFrame(model, layer, epoch, remaining, hidden, segments, RowBuffer.Rent((int)rows, hidden, type));
    }

    private static DispatchResult ParseResult(ReadOnlyMemory<byte> header, long bodyBytes, int segments, int values)
    {
        var reader = new MessagePackReader(header);
        var fields = reader.ReadArrayHeader();
        Require(fields >= ResultFields - 1, "an answer has at least 2 header fields");
        var compute = reader.ReadInt64();
        Require(reader.ReadArrayHeader() == segments * 3, "an answer has a status for each segment");
        Require(bodyBytes == (long)values * sizeof(float), "an answer has as many bytes as its frame");
        var results = new SegmentResult[segments];
        for (var i = 0; i < segments; i++)
        {
            var status = (SegmentStatus)reader.ReadInt32();
            Require(status is >= SegmentStatus.Done and <= SegmentStatus.Failed, "the status of a segment is known");
            results[i] = new SegmentResult(status, reader.ReadInt32(), reader.ReadString());
        }

        var queued = fields >= ResultFields ? reader.ReadInt64() : 0;
        var type = fields >= TypedResultFields ? ReadType(ref reader) : RowType.Float32;
        return new DispatchResult(results, RowBuffer.Rent(checked((int)(bodyBytes / type.Size())), 1, type), compute, queued);
    }

    private static RowType ReadType(ref MessagePackReader reader)
    {
        var type = reader.ReadInt32();
        Require(type is (int)RowType.Float32 or (int)RowType.BFloat16, $"element type {type} of the rows is neither 0, float32, nor 1, bfloat16");
        return (RowType)type;
    }

    /// <summary>Peers send the same few names over and over; one that is known is not made anew.</summary>
    private static string ReadModel(ref MessagePackReader reader, string? known)
    {
        Span<char> text = stackalloc char[128];
        var bytes = reader.ReadStringSequence();
        if (bytes is { IsSingleSegment: true } sequence)
        {
            var utf8 = sequence.FirstSpan;
            if (known is not null && utf8.Length <= text.Length && known.AsSpan().SequenceEqual(text[..Encoding.UTF8.GetChars(utf8, text)]))
            {
                return known;
            }

            return Encoding.UTF8.GetString(utf8);
        }

        return bytes is { } parts ? Encoding.UTF8.GetString(parts) : "";
    }

    private static void Require(bool condition, string rule)
    {
        if (!condition)
        {
            throw new MessagePackSerializationException($"Malformed frame: {rule}.");
        }
    }
}
