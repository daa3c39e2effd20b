using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ExpertCluster.Contracts;
using MessagePack;

namespace ExpertCluster.Transport;

/// <summary>
/// Bytes of a frame: int32 little-endian length of the header, header as MessagePack, rows as raw little-endian float32.
/// </summary>
public static class FrameCodec
{
    /// <summary>Serialises a dispatch. The frame is not disposed of.</summary>
    public static byte[] Write(DispatchFrame frame)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(6);
        writer.Write(frame.Model);
        writer.Write(frame.Layer);
        writer.Write(frame.Epoch);
        writer.Write((long)Math.Max(0, frame.Remaining.TotalMilliseconds));
        writer.Write(frame.HiddenSize);
        writer.WriteArrayHeader(frame.Segments.Count * 3);
        foreach (var segment in frame.Segments)
        {
            writer.Write(segment.Replica.Expert);
            writer.Write(segment.Replica.Number);
            writer.Write(segment.Rows);
        }

        writer.Flush();
        return Join(buffer.WrittenSpan, frame.Rows.Memory.Span);
    }

    /// <summary>Serialises an answer. The result is not disposed of.</summary>
    public static byte[] Write(DispatchResult result)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(2);
        writer.Write(result.ComputeMicroseconds);
        writer.WriteArrayHeader(result.Segments.Count * 3);
        foreach (var segment in result.Segments)
        {
            writer.Write((int)segment.Status);
            writer.Write(segment.Credits);
            writer.Write(segment.Detail);
        }

        writer.Flush();
        return Join(buffer.WrittenSpan, result.Rows.Memory.Span);
    }

    /// <summary>Reads a dispatch into a buffer of its own.</summary>
    /// <exception cref="MessagePackSerializationException">Malformed: nothing of it can be trusted.</exception>
    public static DispatchFrame ReadFrame(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return ParseFrame(bytes);
        }
        catch (Exception e) when (e is not MessagePackSerializationException)
        {
            // The reader has an exception of its own for bytes that end too soon, and another for numbers that are too large.
            throw new MessagePackSerializationException($"Malformed frame: {e.Message}", e);
        }
    }

    /// <summary>Reads an answer to a frame of that many segments and rows.</summary>
    /// <exception cref="MessagePackSerializationException">Malformed, or not an answer to that frame.</exception>
    public static DispatchResult ReadResult(ReadOnlyMemory<byte> bytes, int segments, int values)
    {
        try
        {
            return ParseResult(bytes, segments, values);
        }
        catch (Exception e) when (e is not MessagePackSerializationException)
        {
            throw new MessagePackSerializationException($"Malformed frame: {e.Message}", e);
        }
    }

    private static DispatchFrame ParseFrame(ReadOnlyMemory<byte> bytes)
    {
        var (header, body) = Split(bytes);
        var reader = new MessagePackReader(header);
        Require(reader.ReadArrayHeader() >= 6, "a dispatch has at least 6 header fields");
        var model = reader.ReadString() ?? "";
        var layer = reader.ReadInt32();
        var epoch = reader.ReadInt64();
        var remaining = TimeSpan.FromMilliseconds(Math.Clamp(reader.ReadInt64(), 0, int.MaxValue));
        var hidden = reader.ReadInt32();
        Require(hidden > 0, "the hidden size is positive");
        var fields = reader.ReadArrayHeader();
        Require(fields % 3 == 0 && fields <= header.Length, "segments have three fields each");
        var segments = new DispatchSegment[fields / 3];
        long rows = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = new DispatchSegment(new ReplicaId(layer, reader.ReadInt32(), reader.ReadInt32()), reader.ReadInt32());
            Require(segments[i].Rows > 0, "a segment has rows");
            rows += segments[i].Rows;
        }

        Require((Int128)rows * hidden * sizeof(float) == body.Length, "the body holds every row of every segment");
        return new DispatchFrame(model, layer, epoch, remaining, hidden, segments, Copy(body, (int)rows, hidden));
    }

    private static DispatchResult ParseResult(ReadOnlyMemory<byte> bytes, int segments, int values)
    {
        var (header, body) = Split(bytes);
        var reader = new MessagePackReader(header);
        Require(reader.ReadArrayHeader() >= 2, "an answer has at least 2 header fields");
        var compute = reader.ReadInt64();
        Require(reader.ReadArrayHeader() == segments * 3, "an answer has a status for each segment");
        Require(body.Length == (long)values * sizeof(float), "an answer has as many values as its frame");
        var results = new SegmentResult[segments];
        for (var i = 0; i < segments; i++)
        {
            var status = (SegmentStatus)reader.ReadInt32();
            Require(Enum.IsDefined(status), "the status of a segment is known");
            results[i] = new SegmentResult(status, reader.ReadInt32(), reader.ReadString());
        }

        return new DispatchResult(results, Copy(body, values, 1), compute);
    }

    private static byte[] Join(ReadOnlySpan<byte> header, ReadOnlySpan<float> rows)
    {
        var body = MemoryMarshal.AsBytes(rows);
        var bytes = GC.AllocateUninitializedArray<byte>(checked(sizeof(int) + header.Length + body.Length));
        BinaryPrimitives.WriteInt32LittleEndian(bytes, header.Length);
        header.CopyTo(bytes.AsSpan(sizeof(int)));
        body.CopyTo(bytes.AsSpan(sizeof(int) + header.Length));
        return bytes;
    }

    private static (ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Body) Split(ReadOnlyMemory<byte> bytes)
    {
        Require(bytes.Length >= sizeof(int), "a frame begins with the length of its header");
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.Span);
        Require(length >= 0 && length <= bytes.Length - sizeof(int), "the header lies inside the frame");
        return (bytes.Slice(sizeof(int), length), bytes[(sizeof(int) + length)..]);
    }

    private static RowBuffer Copy(ReadOnlyMemory<byte> body, int rows, int columns)
    {
        var buffer = RowBuffer.Rent(rows, columns);
        body.Span.CopyTo(MemoryMarshal.AsBytes(buffer.Memory.Span));
        return buffer;
    }

    private static void Require(bool condition, string rule)
    {
        if (!condition)
        {
            throw new MessagePackSerializationException($"Malformed frame: {rule}.");
        }
    }
}
