using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>
/// <c>precompiled_charsmap</c>: rules that replace a sequence of bytes by another. Layout: byte length of a double-array trie (Darts-clone
/// units, little endian), the trie, then the replacements, each ended by NUL; a rule's value in the trie is its replacement's offset.
/// </summary>
internal sealed class CharacterMap
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    private CharacterMap(uint[] units, byte[] replacements)
    {
        _units = units;
        _replacements = replacements;
    }

    public static CharacterMap Parse(ReadOnlySpan<byte> blob, string file)
    {
        uint size = blob.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(blob);
        if (size < 4 || size % 4 != 0 || size > blob.Length - 4 || blob[^1] != 0)
            throw new TokenizerException(file, "normalizer_spec.precompiled_charsmap", "is damaged; download the file again.");
        var units = MemoryMarshal.Cast<byte, uint>(blob.Slice(4, (int)size)).ToArray();
        if (!BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(units, units);
        return new CharacterMap(units, blob[(4 + (int)size)..].ToArray());
    }

    /// <summary>The longest rule that the input begins with: how many bytes it replaces (0 when there is none) and by what.</summary>
    public int Match(ReadOnlySpan<byte> input, out ReadOnlySpan<byte> replacement)
    {
        replacement = default;
        int length = 0;
        uint node = Offset(_units[0]);
        for (int i = 0; i < input.Length; i++)
        {
            node ^= input[i];
            // Positions and offsets come from the file: an impossible one ends the search.
            if (node >= _units.Length || (_units[node] & 0x800000FF) != input[i]) break;
            uint unit = _units[node];
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 0) continue;
            if (node >= _units.Length) break;
            uint value = _units[node] & 0x7FFFFFFF;
            if (value >= _replacements.Length) break;
            var tail = _replacements.AsSpan((int)value);
            replacement = tail[..tail.IndexOf((byte)0)];
            length = i + 1;
        }

        return length;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1u << 9) >> 6);
}
