using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Lane;

/// <summary>Puts chunks together. Bounded: a frame that is too large, comes out of order or stops half-way is dropped.</summary>
internal sealed class ChunkAssembler(LaneOptions options, TimeProvider time, ILogger log)
{
    /// <summary>How long a half-received frame waits for its next chunk.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Dictionary<(Address From, long Frame, bool IsReply), Frame> _frames = [];
    private long _bytes;

    /// <summary>The whole frame once its last chunk is here; null before, or when the chunk makes no sense.</summary>
    public ReadOnlyMemory<byte>? Add(Address from, TensorChunk chunk)
    {
        if (chunk.Offset == 0 && chunk.Payload.Length == chunk.TotalBytes)
        {
            return chunk.Payload;
        }

        var key = (from, chunk.FrameId, chunk.IsReply);
        if (!_frames.TryGetValue(key, out var frame))
        {
            if (chunk.Offset != 0 || chunk.TotalBytes <= 0 || chunk.TotalBytes > options.MaxFrameBytes
                || (_bytes > 0 && _bytes + chunk.TotalBytes > options.MaxAssemblyBytes))
            {
                LaneLog.Refused(log, from.ToString(), chunk.TotalBytes, chunk.Offset, _bytes);
                return null;
            }

            _bytes += chunk.TotalBytes;
            _frames[key] = frame = new Frame(GC.AllocateUninitializedArray<byte>(chunk.TotalBytes));
        }

        frame.LastChunk = time.GetUtcNow();
        if (chunk.Offset != frame.Received || chunk.Payload.Length > frame.Bytes.Length - chunk.Offset)
        {
            // Chunks of one frame arrive in order; a gap means that one was lost with a connection.
            LaneLog.Refused(log, from.ToString(), chunk.TotalBytes, chunk.Offset, _bytes);
            Drop(key, frame);
            return null;
        }

        chunk.Payload.Span.CopyTo(frame.Bytes.AsSpan(chunk.Offset));
        frame.Received += chunk.Payload.Length;
        if (frame.Received < frame.Bytes.Length)
        {
            return null;
        }

        Drop(key, frame);
        return frame.Bytes;
    }

    /// <summary>Forgets what an address had begun to send.</summary>
    public void Forget(Address from) => DropWhere((key, _) => key.From == from);

    /// <summary>Forgets frames whose next chunk does not come.</summary>
    public void Expire()
    {
        var now = time.GetUtcNow();
        DropWhere((_, frame) => now - frame.LastChunk > Patience);
    }

    private void DropWhere(Func<(Address From, long Frame, bool IsReply), Frame, bool> condition)
    {
        foreach (var (key, frame) in _frames.Where(f => condition(f.Key, f.Value)).ToArray())
        {
            Drop(key, frame);
        }
    }

    private void Drop((Address From, long Frame, bool IsReply) key, Frame frame)
    {
        if (_frames.Remove(key))
        {
            _bytes -= frame.Bytes.Length;
        }
    }

    private sealed class Frame(byte[] bytes)
    {
        public byte[] Bytes { get; } = bytes;

        public int Received { get; set; }

        public DateTimeOffset LastChunk { get; set; }
    }
}
