using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using MessagePack;

namespace ExpertCluster.Contracts;

/// <summary>MessagePack forms of the messages about replicas and tensors.</summary>
internal static class MessageForms
{
    /// <summary>No name, address or message text between nodes is longer than this many bytes.</summary>
    private const int MaxTextBytes = 16 * 1024;

    public static void Write(ref MessagePackWriter writer, StartReplica message)
    {
        writer.Write(message.Model);
        Write(ref writer, message.Replica);
        Write(ref writer, message.Node);
    }

    public static StartReplica ReadStartReplica(ref MessagePackReader reader) =>
        new(ReadText(ref reader), ReadReplica(ref reader), ReadNode(ref reader));

    public static void Write(ref MessagePackWriter writer, ReplicaReport message)
    {
        writer.Write(message.Model);
        Write(ref writer, message.Replica);
        Write(ref writer, message.Node);
        writer.Write((int)message.Outcome);
        writer.Write(message.Bytes);
        writer.Write(message.Message);
        if (message.Probe is { } probe)
        {
            writer.WriteArrayHeader(6);
            writer.Write((int)probe.Type);
            writer.Write(probe.Weights);
            writer.Write(probe.Answer);
            writer.Write(probe.Machine);
            writer.WriteArrayHeader(probe.Values.Length);
            foreach (var value in probe.Values)
            {
                writer.Write(value);
            }

            writer.Write(probe.Scale);
        }
    }

    /// <summary>Fields a report takes: the probe is the last where there is one.</summary>
    public static int Fields(ReplicaReport message) => message.Probe is null ? 6 : 7;

    public static ReplicaReport ReadReplicaReport(ref MessagePackReader reader, int fields) => new(
        ReadText(ref reader), ReadReplica(ref reader), ReadNode(ref reader), ReadEnum<ReplicaOutcome>(ref reader), reader.ReadInt64(),
        ReadOptionalText(ref reader), fields > 6 && reader.NextMessagePackType == MessagePackType.Array ? ReadProbe(ref reader) : null);

    private static ReplicaProbe ReadProbe(ref MessagePackReader reader)
    {
        Expect(ref reader, 6, nameof(ReplicaProbe));
        var (type, weights, answer, machine) = (ReadEnum<RowType>(ref reader), ReadText(ref reader), ReadText(ref reader), ReadText(ref reader));
        var values = ImmutableArray.CreateBuilder<float>(ReadCount(ref reader, "probe values"));
        for (var left = values.Capacity; left > 0; left--)
        {
            values.Add(reader.ReadSingle());
        }

        return new ReplicaProbe(type, weights, answer, machine, values.MoveToImmutable(), reader.ReadSingle());
    }

    public static void Write(ref MessagePackWriter writer, RetireReplica message)
    {
        writer.Write(message.Model);
        Write(ref writer, message.Replica);
    }

    public static RetireReplica ReadRetireReplica(ref MessagePackReader reader) => new(ReadText(ref reader), ReadReplica(ref reader));

    public static void Write(ref MessagePackWriter writer, BalancerQuery message)
    {
        writer.Write(message.Verb);
        writer.Write(message.Arguments.Span);
    }

    public static BalancerQuery ReadBalancerQuery(ref MessagePackReader reader) => new(ReadText(ref reader), ReadBytes(ref reader));

    public static void Write(ref MessagePackWriter writer, BalancerReply message)
    {
        writer.Write(message.IsOk);
        writer.Write(message.Body.Span);
    }

    public static BalancerReply ReadBalancerReply(ref MessagePackReader reader) => new(reader.ReadBoolean(), ReadBytes(ref reader));

    public static void Write(ref MessagePackWriter writer, BalancerStatus message)
    {
        Write(ref writer, message.Node);
        writer.Write(message.State);
        writer.Write(message.Detail);
        writer.Write(message.Moves);
        writer.Write(message.BytesMoved);
        writer.Write(message.Plans);
        writer.Write(message.RolledBack);
    }

    public static BalancerStatus ReadBalancerStatus(ref MessagePackReader reader) => new(
        ReadNode(ref reader), ReadText(ref reader), ReadText(ref reader), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());

    public static void Write(ref MessagePackWriter writer, ReplicaId replica)
    {
        writer.WriteArrayHeader(3);
        writer.Write(replica.Layer);
        writer.Write(replica.Expert);
        writer.Write(replica.Number);
    }

    public static ReplicaId ReadReplica(ref MessagePackReader reader)
    {
        Expect(ref reader, 3, nameof(ReplicaId));
        return new ReplicaId(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
    }

    public static void Write(ref MessagePackWriter writer, NodeId node)
    {
        writer.WriteArrayHeader(2);
        writer.Write(node.Address);
        writer.Write(node.Incarnation);
    }

    public static NodeId ReadNode(ref MessagePackReader reader)
    {
        Expect(ref reader, 2, nameof(NodeId));
        return new NodeId(ReadText(ref reader), reader.ReadInt32());
    }

    public static string ReadText(ref MessagePackReader reader) =>
        ReadOptionalText(ref reader) ?? throw new MessagePackSerializationException("A text is missing.");

    public static string? ReadOptionalText(ref MessagePackReader reader)
    {
        var bytes = reader.ReadStringSequence();
        if (bytes is not { } text)
        {
            return null;
        }

        return text.Length <= MaxTextBytes
            ? Encoding.UTF8.GetString(text)
            : throw new MessagePackSerializationException($"A text of {text.Length} bytes; the limit is {MaxTextBytes}.");
    }

    public static T ReadEnum<T>(ref MessagePackReader reader)
        where T : struct, Enum
    {
        var value = (T)(object)reader.ReadInt32();
        return Enum.IsDefined(value) ? value : throw new MessagePackSerializationException($"{value} is no {typeof(T).Name}.");
    }

    private static byte[] ReadBytes(ref MessagePackReader reader)
    {
        var bytes = reader.ReadBytes() ?? default;
        return bytes.Length <= BalancerReply.MaxBody
            ? bytes.ToArray()
            : throw new MessagePackSerializationException($"A body of {bytes.Length} bytes; the limit is {BalancerReply.MaxBody}.");
    }

    /// <summary>Reads the header of an array, whose elements take at least a byte each: a length beyond the message is a lie.</summary>
    public static int ReadCount(ref MessagePackReader reader, string what)
    {
        var count = reader.ReadArrayHeader();
        var left = reader.Sequence.Length - reader.Consumed;
        return count <= left
            ? count
            : throw new MessagePackSerializationException($"{count} {what} announced in the remaining {left} bytes.");
    }

    private static void Expect(ref MessagePackReader reader, int fields, string what)
    {
        var count = reader.ReadArrayHeader();
        if (count != fields)
        {
            throw new MessagePackSerializationException($"{what} has {count} fields instead of {fields}.");
        }
    }
}
