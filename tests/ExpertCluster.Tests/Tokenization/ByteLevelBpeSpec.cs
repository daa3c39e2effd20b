using System.Diagnostics;
using System.Text;
using CsCheck;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

public sealed class ByteLevelBpeSpec
{
    private const string WholeText = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""";

    private const string Llama3 =
        """(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+""";

    private static readonly string Llama3Splits = $$$"""
        {"type":"Sequence","pretokenizers":[
          {"type":"Split","pattern":{"Regex":"{{{Llama3}}}"},"behavior":"Isolated","invert":false},
          {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
        """;

    /// <summary>Textbook BPE: again and again join the pair of lowest rank, the leftmost of them.</summary>
    private static List<int> Naive(TokenizerJsonBuilder file, string text)
    {
        var symbols = Encoding.UTF8.GetBytes(text).Select(TokenizerJsonBuilder.Letter).ToList();
        while (true)
        {
            int best = int.MaxValue, at = -1;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int rank = file.Pairs.ToList().IndexOf((symbols[i], symbols[i + 1]));
                if (rank >= 0 && rank < best) (best, at) = (rank, i);
            }

            if (at < 0) return symbols.ConvertAll(file.IdOf);
            symbols[at] += symbols[at + 1];
            symbols.RemoveAt(at + 1);
        }
    }

    // Merges of random tokens over a tiny alphabet, so that they compete for the same characters.
    private static readonly Gen<TokenizerJsonBuilder> RandomMerges = Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 1000], Gen.Bool).Array[1, 12].Select(picks =>
    {
        var file = new TokenizerJsonBuilder().With("pre_tokenizer", WholeText);
        var tokens = new List<string> { "a", "b", "c", "Ġ", "ä", "¸" };
        foreach (var (left, right, asText) in picks)
        {
            var (a, b) = (tokens[left % tokens.Count], tokens[right % tokens.Count]);
            file.MergeSpelled(a, b, asText);
            if (!tokens.Contains(a + b)) tokens.Add(a + b);
        }

        return file;
    });

    private static readonly Gen<string> ShortText = Gen.OneOf("a", "b", "c", " ", "世", "aa").Array[0, 60].Select(string.Concat);

    [Fact]
    public void Merging_equals_the_textbook_algorithm() => Gen.Select(RandomMerges, ShortText).Sample((file, text) =>
        file.Build().Encode(text).SequenceEqual(Naive(file, text)), iter: 500);

    [Fact]
    public void Long_pieces_merge_as_short_ones_do() => Gen.Select(RandomMerges, Gen.OneOf("a", "b", "c", " ").Array[257, 320].Select(string.Concat))
        .Sample((file, text) => file.Build().Encode(text).SequenceEqual(Naive(file, text)), iter: 100);

    [Theory]
    [InlineData("I'll go  home, 'twas 1234 €5\n\n ok  ", "I|'ll| go| | home|,| '|twas| 1234| €|5|\n\n| ok|  ")]
    [InlineData("x𝒜𝒷y 𠀀𠀁 𝟘1 a🎉🎉b", "x𝒜𝒷y| 𠀀𠀁| 𝟘1| a|🎉🎉|b")]
    public void Gpt2_splitting_sees_letters_and_digits_beyond_the_basic_plane(string text, string pieces)
    {
        Pieces(new TokenizerJsonBuilder(), text).Should().Equal(pieces.Split('|'));
    }

    [Theory]
    [InlineData("I'LL go  home, 1234 (𝟘𝟙𝟚𝟛) x\n\n  y!\n", "I|'LL| go| | home|,| |123|4| (|𝟘𝟙𝟚|𝟛|)| x|\n\n| | y|!\n")]
    public void Llama3_splitting_follows_the_published_pattern(string text, string pieces)
    {
        Pieces(new TokenizerJsonBuilder().With("pre_tokenizer", Llama3Splits), text).Should().Equal(pieces.Split('|'));
    }

    [Fact]
    public void A_prefix_space_is_added_once_per_text_between_added_tokens()
    {
        var file = new TokenizerJsonBuilder().Added("<x>").With("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":true}""");
        file.Build().Decode(file.Build().Encode("a<x>b c<x> d")).Should().Be(" a b c d");
    }

    [Fact]
    public void Digits_and_removed_splits_are_honoured()
    {
        const string splits = """
            {"type":"Sequence","pretokenizers":[
              {"type":"Digits","individual_digits":true},
              {"type":"Split","pattern":{"String":"."},"behavior":"Removed","invert":false},
              {"type":"Split","pattern":{"Regex":"[a-z]+|[0-9]"},"behavior":"Removed","invert":true},
              {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}
            """;
        Pieces(new TokenizerJsonBuilder().With("pre_tokenizer", splits), "ab.c12?d").Should().Equal("ab", "c", "1", "2", "d");
    }

    [Fact]
    public void Ignore_merges_takes_a_whole_piece_that_is_a_token()
    {
        var file = new TokenizerJsonBuilder().Merge("a", "b").Token("abc");
        file.Build().Encode("abc").Should().Equal(file.IdOf("ab"), file.IdOf("c"));
        file.With("model.ignore_merges", "true").Build().Encode("abc abcd").Should()
            .Equal([file.IdOf("abc"), file.IdOf("Ġ"), file.IdOf("ab"), file.IdOf("c"), file.IdOf("d")]);
    }

    [Fact]
    public void Added_tokens_match_leftmost_then_longest_before_anything_else()
    {
        var file = new TokenizerJsonBuilder().Added("<a").Added("<a>").Added("<ab>", special: false);
        var tokenizer = file.Build();
        tokenizer.Encode("<a><ab><a<ab").Should().Equal(257, 258, 256, 256, 'b');
        tokenizer.Decode([258, 257]).Should().Be("<ab>");
    }

    [Fact]
    public void Strip_and_single_word_flags_are_honoured()
    {
        var file = new TokenizerJsonBuilder().Added("<l>", lstrip: true).Added("<r>", rstrip: true).Added("one", special: false, singleWord: true);
        var tokenizer = file.Build();
        tokenizer.Encode("a  <l> b").Should().Equal(['a', 256, 32, 'b']);
        tokenizer.Encode("a <r>  b").Should().Equal(['a', 32, 257, 'b']);
        tokenizer.Encode("one").Should().Equal(258);
        tokenizer.Encode("ones").Should().Equal([.. "ones".Select(letter => (int)letter)]);
    }

    [Fact]
    public void The_template_puts_special_tokens_around_a_prompt()
    {
        var file = new TokenizerJsonBuilder().Added("<s>").Added("</s>").With("post_processor", """
            {"type":"Sequence","processors":[{"type":"ByteLevel","trim_offsets":false},
              {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
                {"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[],
               "special_tokens":{"<s>":{"id":"<s>","ids":[256],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[257],"tokens":["</s>"]}}}]}
            """);
        file.Build().Encode("a").Should().Equal(256, 'a', 257);
        file.Build().Encode("a", addSpecialTokens: false).Should().Equal('a');
        file.Build().Encode("").Should().Equal(256, 257);
    }

    [Theory]
    [InlineData("e\u0301", "é")]
    [InlineData("\u212B", "Å")]
    [InlineData("\u1100\u1161\u11A8", "각")]
    [InlineData("a\u0323\u0307", "ạ\u0307")]
    [InlineData("a\u0307\u0323", "ạ\u0307")]
    [InlineData("\u0958", "\u0915\u093C")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165")]
    [InlineData("\u0344", "\u0308\u0301")]
    public void Nfc_composes_without_the_platforms_tables(string text, string composed)
    {
        var tokenizer = new TokenizerJsonBuilder().With("normalizer", """{"type":"Sequence","normalizers":[{"type":"NFC"}]}""").Build();
        tokenizer.Decode(tokenizer.Encode(text)).Should().Be(composed);
    }

    [Fact]
    public void Normalized_added_tokens_match_after_normalisation()
    {
        var tokenizer = new TokenizerJsonBuilder().Added("ǵ", special: false, normalized: true).Added("ǹ", special: false)
            .With("normalizer", """{"type":"NFC"}""").Build();
        tokenizer.Encode("g\u0301").Should().Equal(256);
        tokenizer.Encode("n\u0300").Should().NotContain(257);
        tokenizer.Encode("ǹ").Should().Equal(257);
    }

    [Theory]
    [InlineData('a')]
    [InlineData(' ')]
    [InlineData('\n')]
    [InlineData('世')]
    public void A_megabyte_of_one_character_does_not_hang(char letter)
    {
        var text = new string(letter, 1 << 20);
        var file = new TokenizerJsonBuilder();
        var spelled = TokenizerJsonBuilder.Spell(letter.ToString());
        for (int i = 1; i < spelled.Length; i++) file.MergeSpelled(spelled[..i], spelled[i..(i + 1)]);
        for (int doubled = 0; doubled < 4; doubled++, spelled += spelled) file.MergeSpelled(spelled, spelled);
        foreach (var tokenizer in new[] { TokenizerLoader.Open(ModelFiles.Folio), file.Build(), file.With("pre_tokenizer", Llama3Splits).Build() })
        {
            var clock = Stopwatch.StartNew();
            tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text);
            // A guard against a hang, not a measure: what grows with the square of the length takes minutes.
            clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(60));
        }
    }

    [Fact]
    public void A_pattern_that_backtracks_without_bound_is_an_error_and_no_hang()
    {
        var tokenizer = new TokenizerJsonBuilder().With("pre_tokenizer", """
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(a|aa)+$"},"behavior":"Isolated"},{"type":"ByteLevel"}]}
            """).Build();
        FluentActions.Invoking(() => tokenizer.Encode(new string('a', 200) + "b")).Should().Throw<TokenizerException>()
            .WithMessage("tokenizer.json: pre_tokenizer.pretokenizers[0].pattern.Regex: takes too long*");
    }

    // Makes pieces visible: every letter sequence that stays together can merge, so a border shows where ids of two texts differ. Simpler:
    // with no merges, a piece border is invisible; so each possible piece is made a token and merges are ignored.
    private static List<string> Pieces(TokenizerJsonBuilder file, string text)
    {
        file.With("model.ignore_merges", "true");
        var boundaries = Enumerable.Range(0, text.Length + 1).Where(i => i == text.Length || !char.IsLowSurrogate(text[i])).ToList();
        foreach (int start in boundaries)
            foreach (int end in boundaries)
                if (end > start) file.Token(TokenizerJsonBuilder.Spell(text[start..end]));
        var tokenizer = file.Build();
        return [.. tokenizer.Encode(text).Select(id => tokenizer.Decode([id]))];
    }
}
