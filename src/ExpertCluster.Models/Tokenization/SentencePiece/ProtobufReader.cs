namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>Walks the fields of one protobuf message without building anything. Malformed input throws <see cref="InvalidDataException"/>.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5;
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;
    private int _wire;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Moves to the next field; false at the end.</summary>
    public bool Next()
    {
        if (_at == _message.Length) return false;
        ulong tag = ReadVarint();
        _wire = (int)(tag & 7);
        Field = tag >> 3 is > 0 and < 1 << 29 and var field ? (int)field : throw Bad("a field number is out of range");
        return true;
    }

    /// <summary>The current field as bytes, text or message.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        Expect(Length);
        ulong length = ReadVarint();
        if (length > (ulong)(_message.Length - _at)) throw Bad("a field runs past the end");
        var bytes = _message.Slice(_at, (int)length);
        _at += (int)length;
        return bytes;
    }

    public float Float()
    {
        Expect(Fixed32);
        if (_message.Length - _at < 4) throw Bad("a field runs past the end");
        _at += 4;
        return System.Buffers.Binary.BinaryPrimitives.ReadSingleLittleEndian(_message[(_at - 4)..]);
    }

    public int Int()
    {
        Expect(Varint);
        return unchecked((int)ReadVarint());
    }

    public bool Bool()
    {
        Expect(Varint);
        return ReadVarint() != 0;
    }

    /// <summary>Passes over the current field.</summary>
    public void Skip()
    {
        if (_wire == Varint) ReadVarint();
        else if (_wire == Length) Bytes();
        else if (_wire is Fixed32 or Fixed64)
        {
            int size = _wire == Fixed32 ? 4 : 8;
            if (_message.Length - _at < size) throw Bad("a field runs past the end");
            _at += size;
        }
        else throw Bad($"wire type {_wire} is not used in such files");
    }

    private readonly void Expect(int wire)
    {
        if (_wire != wire) throw Bad($"field {Field} has wire type {_wire} instead of {wire}");
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (_at == _message.Length) break;
            byte part = _message[_at++];
            value |= (ulong)(part & 127) << shift;
            if (part < 128) return value;
        }

        throw Bad("a number is cut off or too long");
    }

    private static InvalidDataException Bad(string what) => new(what);
}
