using System.Buffers;
using System.Globalization;
using System.Text;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Models.Inspection;

/// <summary>Shows single tokens, which may be white space or parts of a character, so that a person can tell them apart.</summary>
public static class TokenText
{
    /// <summary>
    /// The token with <c>␣</c> for a space, <c>↵</c> <c>␍</c> <c>⇥</c> for line feed, carriage return and tab, <c>\u{200D}</c> for characters
    /// that do not show or that turn the direction of what follows, <c>\xE2</c> for bytes that are no whole character, and <c>⟨7⟩</c> for
    /// token 7 when it stands for no text.
    /// </summary>
    public static string Render(ITextTokenizer tokenizer, int token)
    {
        ReadOnlySpan<byte> bytes = Bytes(tokenizer, token);
        if (bytes.IsEmpty)
        {
            return string.Create(CultureInfo.InvariantCulture, $"⟨{token}⟩");
        }

        var text = new StringBuilder();
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int used) == OperationStatus.Done)
            {
                Append(text, rune);
            }
            else
            {
                used = 1;
                text.Append(CultureInfo.InvariantCulture, $"\\x{bytes[0]:X2}");
            }

            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <summary>The token's class, by its first character that is no white space.</summary>
    public static TokenClass Classify(ITextTokenizer tokenizer, int token)
    {
        ReadOnlySpan<byte> bytes = Bytes(tokenizer, token);
        if (bytes.IsEmpty)
        {
            return TokenClass.Other;
        }

        bool spaced = false;
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int used) != OperationStatus.Done)
            {
                return TokenClass.Other;
            }

            if (!Rune.IsWhiteSpace(rune))
            {
                return Rune.IsLetter(rune) ? spaced ? TokenClass.WordStart : TokenClass.WordPart
                    : Rune.IsNumber(rune) ? TokenClass.Number
                    : Rune.IsPunctuation(rune) || Rune.IsSymbol(rune) ? TokenClass.Punctuation
                    : TokenClass.Other;
            }

            spaced = true;
            bytes = bytes[used..];
        }

        return TokenClass.Space;
    }

    private static ReadOnlySpan<byte> Bytes(ITextTokenizer tokenizer, int token)
    {
        var bytes = new ArrayBufferWriter<byte>();
        tokenizer.AppendBytes(token, bytes);
        return bytes.WrittenSpan;
    }

    private static void Append(StringBuilder text, Rune rune)
    {
        switch (rune.Value)
        {
            case ' ':
                text.Append('␣');
                break;
            case '\n':
                text.Append('↵');
                break;
            case '\r':
                text.Append('␍');
                break;
            case '\t':
                text.Append('⇥');
                break;
            default:
                if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.SpaceSeparator
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse
                    or UnicodeCategory.OtherNotAssigned)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
                }
                else
                {
                    text.Append(rune.ToString());
                }

                break;
        }
    }
}
