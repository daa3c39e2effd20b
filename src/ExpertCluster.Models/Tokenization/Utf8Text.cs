using System.Buffers;
using System.Text;

namespace ExpertCluster.Models.Tokenization;

/// <summary>UTF-8 read piece by piece.</summary>
internal static class Utf8Text
{
    /// <summary>
    /// Moves every whole character of <paramref name="bytes"/> to <paramref name="text"/> and leaves an incomplete one in place,
    /// unless <paramref name="final"/>. An ill-formed sequence gives one U+FFFD, or one for each byte when <paramref name="bytewise"/>
    /// (SentencePiece's way).
    /// </summary>
    public static void Drain(ArrayBufferWriter<byte> bytes, StringBuilder text, bool final, bool bytewise)
    {
        var rest = bytes.WrittenSpan;
        Span<char> units = stackalloc char[2];
        while (rest.Length > 0)
        {
            var status = Rune.DecodeFromUtf8(rest, out var rune, out int used);
            if (status == OperationStatus.Done) text.Append(units[..rune.EncodeToUtf16(units)]);
            else if (status == OperationStatus.NeedMoreData && !final) break;
            else
            {
                text.Append('\uFFFD');
                if (bytewise) used = 1;
            }

            rest = rest[used..];
        }

        Span<byte> left = stackalloc byte[4];
        rest.CopyTo(left);
        int count = rest.Length;
        bytes.ResetWrittenCount();
        bytes.Write(left[..count]);
    }

    /// <summary>The text with every unpaired surrogate replaced by U+FFFD, so that it has a UTF-8 form.</summary>
    public static string WellFormed(string text)
    {
        int bad = FirstLoneSurrogate(text, 0);
        if (bad < 0) return text;
        var units = text.ToCharArray();
        for (; bad >= 0; bad = FirstLoneSurrogate(units, bad + 1)) units[bad] = '\uFFFD';
        return new string(units);
    }

    /// <summary>Whether the text has no unpaired surrogate.</summary>
    public static bool IsWellFormed(string text) => FirstLoneSurrogate(text, 0) < 0;

    private static int FirstLoneSurrogate(ReadOnlySpan<char> text, int from)
    {
        for (int i = from; i < text.Length; i++)
        {
            int next = text[i..].IndexOfAnyInRange('\uD800', '\uDFFF');
            if (next < 0) return -1;
            i += next;
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
            else return i;
        }

        return -1;
    }
}
