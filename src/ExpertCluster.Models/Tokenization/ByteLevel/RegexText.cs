using System.Globalization;
using System.Text;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>
/// Text as a split pattern should see it. .NET patterns see a character beyond U+FFFF as two surrogates of no category, while the
/// tokenizers these patterns are written for see one letter, number or symbol. So each such character is shown as one stand-in of its
/// category from the Basic Multilingual Plane, and positions are mapped back.
/// </summary>
internal readonly ref struct RegexText
{
    private readonly int[]? _positions;

    public RegexText(ReadOnlySpan<char> text)
    {
        Text = text;
        if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return;
        var shown = new char[text.Length];
        _positions = new int[text.Length + 1];
        int count = 0, at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            _positions[count] = at;
            shown[count++] = rune.IsBmp ? (char)rune.Value : StandIn(Rune.GetUnicodeCategory(rune));
            at += rune.Utf16SequenceLength;
        }

        _positions[count] = at;
        Text = shown.AsSpan(0, count);
    }

    public ReadOnlySpan<char> Text { get; }

    /// <summary>Position in the real text of a position in <see cref="Text"/>.</summary>
    public int Map(int position) => _positions is null ? position : _positions[position];

    // Rare characters without case partners that published patterns never name.
    private static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u03D2',
        UnicodeCategory.LowercaseLetter => '\u0138',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\uA717',
        UnicodeCategory.OtherLetter => '\uA840',
        UnicodeCategory.NonSpacingMark => '\uA8C4',
        UnicodeCategory.SpacingCombiningMark => '\uA880',
        UnicodeCategory.EnclosingMark => '\uA670',
        UnicodeCategory.DecimalDigitNumber => '\uA8D0',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.ConnectorPunctuation => '\u2040',
        UnicodeCategory.DashPunctuation => '\u1806',
        UnicodeCategory.OpenPunctuation => '\u2045',
        UnicodeCategory.ClosePunctuation => '\u2046',
        UnicodeCategory.InitialQuotePunctuation => '\u2E02',
        UnicodeCategory.FinalQuotePunctuation => '\u2E03',
        UnicodeCategory.OtherPunctuation => '\uA8CE',
        UnicodeCategory.MathSymbol => '\u2A00',
        UnicodeCategory.CurrencySymbol => '\uA838',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA828',
        UnicodeCategory.Format => '\u206A',
        UnicodeCategory.PrivateUse => '\uE0FF',
        _ => '\uFDD0',
    };
}
