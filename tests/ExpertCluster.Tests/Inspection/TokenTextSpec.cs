using System.Buffers;
using System.Text;
using ExpertCluster.Models.Inspection;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Inspection;

public sealed class TokenTextSpec
{
    [Theory]
    [InlineData(" the", "␣the", TokenClass.WordStart)]
    [InlineData("ing", "ing", TokenClass.WordPart)]
    [InlineData("\n  ", "↵␣␣", TokenClass.Space)]
    [InlineData("\r\n\t", "␍↵⇥", TokenClass.Space)]
    [InlineData("42", "42", TokenClass.Number)]
    [InlineData(" 7th", "␣7th", TokenClass.Number)]
    [InlineData("</b>", "</b>", TokenClass.Punctuation)]
    [InlineData(" +=", "␣+=", TokenClass.Punctuation)]
    [InlineData("é", "é", TokenClass.WordPart)]
    [InlineData("\u202E", @"\u{202E}", TokenClass.Other)]
    [InlineData("\u001b[", @"\u{1B}[", TokenClass.Other)]
    [InlineData("", "⟨3⟩", TokenClass.Other)]
    public void A_token_reads_as_what_it_is(string text, string shown, TokenClass kind) => Check(Encoding.UTF8.GetBytes(text), shown, kind);

    [Fact]
    public void Bytes_that_are_no_character_are_shown_as_such()
    {
        Check([0xE2, 0x86], @"\xE2\x86", TokenClass.Other);
        Check([(byte)'a', 0xFF], @"a\xFF", TokenClass.WordPart);
    }

    private static void Check(byte[] bytes, string shown, TokenClass kind)
    {
        var tokenizer = new OneToken(bytes);
        TokenText.Render(tokenizer, 3).Should().Be(shown);
        TokenText.Classify(tokenizer, 3).Should().Be(kind);
    }

    private sealed class OneToken(byte[] bytes) : ITextTokenizer
    {
        public int VocabularySize => 4;

        public IReadOnlyList<int> Encode(string text, bool addSpecialTokens = true) => [3];

        public void AppendBytes(int id, IBufferWriter<byte> utf8) => utf8.Write(bytes);

        public string Decode(IEnumerable<int> ids) => "";

        public bool IsSpecial(int id) => false;
    }
}
