using System.Text;
using CsCheck;

namespace ExpertCluster.Tests.Tokenization;

/// <summary>Random text of the kinds that trip tokenizers.</summary>
internal static class Texts
{
    private static readonly string[] Parts =
    [
        "a", "aa", "the", " the", "'s", "'ll", " ", "  ", "\n", "\r\n", "\t", "12", "3456", "½", "Ⅷ", "é", "e\u0301", "ß", "世", "界", "\u3000", "\u00a0",
        "🎉", "👩‍👩‍👧", "𝒜𝒷", "𠀀", "𝟘𝟙", "\u0000", "\uFFFD", "\uD83D", "\uDE00", "!?", "<s>", "</s>", "Ġ", "▁", "\u0131", "K",
    ];

    /// <summary>Mixtures of words, scripts, spaces, emoji, lone surrogates and arbitrary characters.</summary>
    public static Gen<string> Any { get; } = Gen.OneOf(
        Gen.OneOf(Parts).Array[0, 20].Select(string.Concat),
        Gen.Char.Array[0, 30].Select(units => new string(units)),
        Gen.OneOf('a', 'b', 'c', ' ').Array[0, 40].Select(units => new string(units)));

    public static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
