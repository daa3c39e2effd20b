namespace ExpertCluster.Models.Tokenization;

/// <summary>
/// Token texts (UTF-8) in one array with a hash index: some 16 bytes per token above the text itself, which a dictionary of strings
/// takes several times over. The hash is seeded per process, so a file cannot be made to collide.
/// </summary>
internal sealed class TokenTable
{
    private readonly byte[] _text;
    private readonly int[] _starts;
    private readonly int[] _slots;

    /// <summary>Room for <paramref name="capacity"/> tokens of <paramref name="textBytes"/> bytes together.</summary>
    public TokenTable(int capacity, int textBytes)
    {
        _text = new byte[textBytes];
        _starts = new int[capacity + 1];
        int slots = 4;
        while (slots < capacity * 1.5) slots <<= 1;
        _slots = new int[slots];
    }

    public int Count { get; private set; }

    /// <summary>Bytes of the longest token.</summary>
    public int LongestToken { get; private set; }

    public ReadOnlySpan<byte> this[int index] => _text.AsSpan(_starts[index].._starts[index + 1]);

    /// <summary>Adds a token; false when it is there already.</summary>
    public bool TryAdd(ReadOnlySpan<byte> token)
    {
        int slot = Probe(token);
        if (_slots[slot] != 0) return false;
        int start = _starts[Count];
        token.CopyTo(_text.AsSpan(start));
        _slots[slot] = ++Count;
        _starts[Count] = start + token.Length;
        LongestToken = Math.Max(LongestToken, token.Length);
        return true;
    }

    /// <summary>Index of a token, or -1.</summary>
    public int Find(ReadOnlySpan<byte> token) => _slots[Probe(token)] - 1;

    private int Probe(ReadOnlySpan<byte> token)
    {
        var hash = new HashCode();
        hash.AddBytes(token);
        int mask = _slots.Length - 1;
        int slot = hash.ToHashCode() & mask;
        while (_slots[slot] != 0 && !this[_slots[slot] - 1].SequenceEqual(token)) slot = (slot + 1) & mask;
        return slot;
    }
}
