using System.Buffers;
using System.Text;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>GPT-2's one character for each byte: printable Latin-1 stands for itself, the other 68 bytes for U+0100 and up.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] CharOfByte = BuildChars();
    private static readonly short[] ByteOfChar = BuildBytes();

    public static char CharOf(byte value) => CharOfByte[value];

    /// <summary>Writes the bytes a token's text stands for; text with a character outside the alphabet stands for itself.</summary>
    public static void Append(ReadOnlySpan<byte> tokenText, IBufferWriter<byte> bytes)
    {
        var target = bytes.GetSpan(tokenText.Length);
        int count = 0;
        for (var rest = tokenText; rest.Length > 0;)
        {
            int value = Next(ref rest);
            if (value < 0)
            {
                bytes.Write(tokenText);
                return;
            }

            target[count++] = (byte)value;
        }

        bytes.Advance(count);
    }

    /// <summary>Whether every character of the token's text stands for a byte.</summary>
    public static bool Covers(ReadOnlySpan<byte> tokenText)
    {
        for (var rest = tokenText; rest.Length > 0;)
            if (Next(ref rest) < 0) return false;
        return true;
    }

    /// <summary>UTF-8 of the token text for UTF-8 input; <paramref name="text"/> must hold twice the input.</summary>
    public static int Spell(ReadOnlySpan<byte> input, Span<byte> text)
    {
        int count = 0;
        foreach (byte value in input) count += new Rune(CharOfByte[value]).EncodeToUtf8(text[count..]);
        return count;
    }

    private static int Next(ref ReadOnlySpan<byte> rest)
    {
        if (Rune.DecodeFromUtf8(rest, out var rune, out int used) != OperationStatus.Done) return -1;
        rest = rest[used..];
        return rune.Value < ByteOfChar.Length ? ByteOfChar[rune.Value] : -1;
    }

    private static char[] BuildChars()
    {
        var chars = new char[256];
        int others = 0;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            chars[value] = (char)(printable ? value : 256 + others++);
        }

        return chars;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[256 + 68];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < 256; value++) bytes[CharOfByte[value]] = (short)value;
        return bytes;
    }
}
