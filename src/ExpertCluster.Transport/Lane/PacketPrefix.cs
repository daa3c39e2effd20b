using System.Buffers.Binary;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// The 32 bytes before each packet, little-endian: magic, version, kind, length of the header, frame id, length of the whole body, length of
/// the body's part in this packet, check sum of these fields. Garbage is noticed here, before a length in it is believed.
/// </summary>
internal readonly record struct PacketPrefix(PacketKind Kind, int HeaderBytes, ulong Id, long BodyBytes, int ChunkBytes)
{
    public const int Size = 32;

    private const ushort Magic = 0x4C45;

    public void Write(Span<byte> target, byte version)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target, Magic);
        target[2] = version;
        target[3] = (byte)Kind;
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], HeaderBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Id);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], BodyBytes);
        BinaryPrimitives.WriteInt32LittleEndian(target[24..], ChunkBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[28..], Sum(target));
    }

    /// <exception cref="LaneProtocolException">These bytes are no prefix, or of another version than was agreed.</exception>
    public static PacketPrefix Read(ReadOnlySpan<byte> source, byte version)
    {
        if (BinaryPrimitives.ReadUInt16LittleEndian(source) != Magic || BinaryPrimitives.ReadUInt32LittleEndian(source[28..]) != Sum(source))
        {
            throw new LaneProtocolException("it sent bytes that are no packet");
        }

        if (source[2] != version)
        {
            throw new LaneProtocolException($"it sent a packet of version {source[2]}; version {version} was agreed");
        }

        var prefix = new PacketPrefix(
            (PacketKind)source[3], BinaryPrimitives.ReadInt32LittleEndian(source[4..]), BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[16..]), BinaryPrimitives.ReadInt32LittleEndian(source[24..]));
        return prefix is { HeaderBytes: >= 0, BodyBytes: >= 0, ChunkBytes: >= 0 } && prefix.ChunkBytes <= prefix.BodyBytes
            ? prefix
            : throw new LaneProtocolException("it sent a packet whose lengths contradict each other");
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        // CRC-32C of the fields before it; the processor has an instruction for it.
        var crc = uint.MaxValue;
        for (var i = 0; i < 28; i += 4)
        {
            crc = System.Numerics.BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]));
        }

        return ~crc;
    }
}
