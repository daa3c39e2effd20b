using ExpertCluster.Contracts;
using MessagePack;

namespace ExpertCluster.Transport.Lane;

/// <summary>What the one who connects says first.</summary>
/// <param name="MinVersion">Oldest version it speaks.</param>
/// <param name="MaxVersion">Newest version it speaks.</param>
/// <param name="Cluster">Name of its cluster.</param>
/// <param name="From">Itself.</param>
/// <param name="To">Whom it means to talk to.</param>
/// <param name="Link">Ties the two connections of a link together.</param>
/// <param name="ToAcceptor">Whether frames go this way, to the one who accepts; else answers come back on this connection.</param>
/// <param name="Nonce">Random.</param>
internal sealed record LaneHello(
    int MinVersion, int MaxVersion, string Cluster, NodeId From, NodeId To, Guid Link, bool ToAcceptor, byte[] Nonce)
{
    public byte[] Write()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(10);
        writer.Write(MinVersion);
        writer.Write(MaxVersion);
        writer.Write(Cluster);
        writer.Write(From.Address);
        writer.Write(From.Incarnation);
        writer.Write(To.Address);
        writer.Write(To.Incarnation);
        writer.Write(Link.ToByteArray());
        writer.Write(ToAcceptor);
        writer.Write(Nonce);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="MessagePackSerializationException">Malformed.</exception>
    public static LaneHello Read(byte[] bytes)
    {
        var reader = new MessagePackReader(bytes);
        if (reader.ReadArrayHeader() < 10)
        {
            throw new MessagePackSerializationException("A greeting has at least 10 fields.");
        }

        return new LaneHello(
            reader.ReadInt32(), reader.ReadInt32(), reader.ReadString() ?? "", new NodeId(reader.ReadString() ?? "", reader.ReadInt32()),
            new NodeId(reader.ReadString() ?? "", reader.ReadInt32()), new Guid(Bytes(ref reader, 16)), reader.ReadBoolean(), Bytes(ref reader, 32));
    }

    public static byte[] Bytes(ref MessagePackReader reader, int length)
    {
        var bytes = reader.ReadBytes();
        if (bytes is not { } sequence || sequence.Length != length)
        {
            throw new MessagePackSerializationException($"A field of {length} bytes is missing.");
        }

        var copy = new byte[length];
        System.Buffers.BuffersExtensions.CopyTo(sequence, copy);
        return copy;
    }
}
