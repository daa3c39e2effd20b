using System.Diagnostics;
using System.Text;
using CsCheck;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

public sealed class SentencePieceSpec
{
    private static readonly SentencePieceModelWriter Bpe = SentencePieceModelWriter.SmallBpe();
    private static readonly SentencePieceModelWriter Unigram = SentencePieceModelWriter.SmallUnigram();

    [Fact]
    public void Bpe_merges_by_score_and_falls_back_to_bytes()
    {
        var tokenizer = Bpe.Build();
        tokenizer.Encode("abc é世").Should().Equal(
            [1, Bpe.IdOf("▁ab"), Bpe.IdOf("c"), Bpe.IdOf("▁"), Bpe.IdOf("é"), .. "世"u8.ToArray().Select(value => value + 3)]);
        tokenizer.Encode("ab", addSpecialTokens: false).Should().Equal(Bpe.IdOf("▁ab"));
    }

    [Fact]
    public void Bpe_equals_the_textbook_algorithm()
    {
        var tokenizer = Bpe.Build();
        Gen.OneOf("a", "b", "c", " ", "é", "世", "🎉", "<s>").Array[1, 40].Select(string.Concat).Sample(text =>
            tokenizer.Encode(text).Skip(1).Should().Equal(NaiveBpe("▁" + text.Replace(' ', '▁'))), iter: 1000);
    }

    [Fact]
    public void Unigram_takes_the_likeliest_segmentation_and_falls_back_to_bytes()
    {
        var tokenizer = Unigram.Build();
        Gen.OneOf("a", "b", "c", " ", "é", "世", "🎉").Array[1, 25].Select(string.Concat).Sample(text =>
        {
            var normalized = string.Join('▁', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            var ids = tokenizer.Encode(text, addSpecialTokens: false);
            if (normalized.Length == 0) return ids.Count == 0;
            var runes = ("▁" + normalized).EnumerateRunes().Select(rune => rune.ToString()).ToArray();
            return Math.Abs(Score(ids) - BestScore(runes)) < 1e-3 && tokenizer.Decode(ids) == normalized.Replace('▁', ' ');
        }, iter: 1000);
    }

    [Fact]
    public void Any_text_survives_llama_style_bpe()
    {
        var tokenizer = Bpe.Build();
        Texts.Any.Where(text => !text.Contains('▁', StringComparison.Ordinal)).Sample(text =>
            tokenizer.Decode(tokenizer.Encode(text)) == Texts.WellFormed(text), iter: 2000);
    }

    [Fact]
    public void Text_cannot_spell_control_or_byte_pieces()
    {
        var writer = SentencePieceModelWriter.Start(2).Whitespace(remove: false).Normal("▁", "<s", "<", "s", ">", "<0", "x0", "0", "x", "A", "A>", "x0A>");
        var ids = writer.Build().Encode("<s><0x0A>", addSpecialTokens: false);
        ids.Should().NotContain(1).And.NotContain(3 + 10);
        writer.Build().Decode(ids).Should().Be("<s><0x0A>");
    }

    [Fact]
    public void Decoding_takes_off_the_space_that_encoding_put_in_front()
    {
        var tokenizer = Bpe.Build();
        int word = Bpe.IdOf("▁ab"), spaces = Bpe.IdOf("▁▁"), begin = 1;
        tokenizer.Decode([word, word]).Should().Be("ab ab");
        tokenizer.Decode([begin, word]).Should().Be("ab");
        tokenizer.Decode([spaces, word]).Should().Be("  ab");
        tokenizer.Decode([Bpe.IdOf("▁"), word]).Should().Be(" ab");
        tokenizer.Decode([Bpe.IdOf("c"), word]).Should().Be("c ab");
        Unigram.Build().Decode([Unigram.IdOf("▁"), Unigram.IdOf("▁"), Unigram.IdOf("▁ab")]).Should().Be("ab");
    }

    [Fact]
    public void Bad_bytes_decode_to_one_replacement_each()
    {
        var tokenizer = Bpe.Build();
        tokenizer.Decode([3 + 0xE4, 3 + 0xB8, 3 + 0x96, 3 + 0xE4, 3 + 0xB8, 1, 3 + 0x96, Bpe.IdOf("a"), 3 + 0xFF]).Should().Be("世\uFFFD\uFFFD\uFFFDa\uFFFD");
    }

    [Fact]
    public void Unknown_characters_without_byte_fallback_become_one_unknown_piece_per_run()
    {
        var writer = SentencePieceModelWriter.Start(2, bytes: false).Normal("▁", "a");
        writer.Build().Encode("a世界a", addSpecialTokens: false).Should().Equal(writer.IdOf("▁"), writer.IdOf("a"), 0, writer.IdOf("a"));
        writer.Build().Decode([writer.IdOf("a"), 0]).Should().Be("a \u2047 ");
        var unigram = SentencePieceModelWriter.Start(1, bytes: false).Normal("▁", "a");
        unigram.Build().Encode("a世界a", addSpecialTokens: false).Should().Equal(unigram.IdOf("▁"), unigram.IdOf("a"), 0, unigram.IdOf("a"));
    }

    [Theory]
    [InlineData("a", "▁a")]
    [InlineData("  a  b  ", "▁a▁b")]
    [InlineData("   ", "")]
    [InlineData("", "")]
    public void Extra_whitespace_is_removed_when_the_model_says_so(string text, string pieces)
    {
        foreach (var start in new[] { SentencePieceModelWriter.Start(1), SentencePieceModelWriter.Start(2) })
        {
            var writer = start.Whitespace(remove: true).Normal("▁", "a", "b");
            var ids = writer.Build().Encode(text, addSpecialTokens: false);
            string.Concat(ids.Select(id => writer.Pieces[id].Text)).Should().Be(pieces);
        }
    }

    [Fact]
    public void Whitespace_as_suffix_and_no_dummy_prefix_are_honoured()
    {
        var suffix = SentencePieceModelWriter.Start(2).Whitespace(remove: false).Trainer(24, 1).Normal("a▁", "b▁", "▁", "a", "b");
        suffix.Build().Encode("a b", false).Should().Equal(suffix.IdOf("a▁"), suffix.IdOf("b▁"));
        var bare = SentencePieceModelWriter.Start(2).Whitespace(remove: false, prefix: false).Normal("▁a", "▁", "a");
        bare.Build().Encode("a a", false).Should().Equal(bare.IdOf("a"), bare.IdOf("▁a"));
        bare.Build().Decode([bare.IdOf("▁a")]).Should().Be(" a");
    }

    [Fact]
    public void User_defined_pieces_are_cut_out_first()
    {
        var writer = SentencePieceModelWriter.Start(2).Whitespace(remove: false).Normal("▁", "a", "b", "ab", "<", ">").Piece("<b>", 0, 4).Piece("bb", 0, 4);
        writer.Build().Encode("ab<b>abba", false).Should().Equal(
            new[] { "▁", "ab", "<b>", "a", "bb", "a" }.Select(writer.IdOf));
        var unigram = SentencePieceModelWriter.Start(1).Whitespace(remove: false).Normal("▁", "a", "b", "ab", "<", ">").Piece("<b>", 0, 4);
        unigram.Build().Encode("ab<b>", false).Should().Equal(new[] { "▁", "ab", "<b>" }.Select(unigram.IdOf));
    }

    [Fact]
    public void A_character_map_replaces_the_longest_match()
    {
        var writer = SentencePieceModelWriter.Start(1).Whitespace(remove: true).Normal("▁", "a", "b", "c").Map(CharacterMapWriter.Build(("x", "a"), ("xy", "bc"), ("t", " "), ("q", "")));
        var ids = writer.Build().Encode("xxyatqbx", addSpecialTokens: false);
        string.Concat(ids.Select(id => writer.Pieces[id].Text)).Should().Be("▁abca▁ba");
    }

    [Theory]
    [InlineData('a')]
    [InlineData(' ')]
    [InlineData('世')]
    public void A_megabyte_of_one_character_does_not_hang(char letter)
    {
        foreach (var tokenizer in new[] { Bpe.Build(), Unigram.Build() })
        {
            var clock = Stopwatch.StartNew();
            tokenizer.Decode(tokenizer.Encode(new string(letter, 1 << 20))).Should().NotBeNull();
            // A guard against a hang, not a measure: what grows with the square of the length takes minutes.
            clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(60));
        }
    }

    [Fact]
    public void Models_that_make_no_sense_are_refused_with_file_and_key()
    {
        Refused(SentencePieceModelWriter.SmallBpe().Piece("a", 0), "appears twice");
        Refused(SentencePieceModelWriter.SmallBpe().Piece("", 0), "neither empty");
        Refused(SentencePieceModelWriter.SmallBpe().Piece("z", float.NaN), "score");
        Refused(SentencePieceModelWriter.SmallBpe().Piece("z", 0, 9), "type");
        Refused(SentencePieceModelWriter.SmallBpe().Piece("z", 0, 2), "second unknown");
        Refused(SentencePieceModelWriter.SmallBpe().Piece("z", 0, 5), "UNUSED");
        Refused(SentencePieceModelWriter.SmallBpe().Piece("<0x0a>", 0, 6), "byte piece");
        Refused(SentencePieceModelWriter.SmallBpe().Trainer(3, 3), "trainer_spec.model_type");
        Refused(SentencePieceModelWriter.SmallBpe().Trainer(35, 0), "trainer_spec.byte_fallback");
        Refused(SentencePieceModelWriter.SmallBpe().Map([1, 2, 3]), "precompiled_charsmap");
        Refused(new SentencePieceModelWriter().Piece("a", 0), "unknown piece");
    }

    private static void Refused(SentencePieceModelWriter writer, string message) => FluentActions.Invoking(writer.Build).Should()
        .Throw<TokenizerException>().WithMessage($"tokenizer.model: *{message}*");

    private static IEnumerable<int> NaiveBpe(string text)
    {
        var symbols = text.EnumerateRunes().Select(rune => rune.ToString()).ToList();
        while (true)
        {
            float best = float.NegativeInfinity;
            int at = -1;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int id = Bpe.IdOf(symbols[i] + symbols[i + 1]);
                if (id >= 0 && Bpe.Pieces[id].Type == 1 && Bpe.Pieces[id].Score > best) (best, at) = (Bpe.Pieces[id].Score, i);
            }

            if (at < 0) break;
            symbols[at] += symbols[at + 1];
            symbols.RemoveAt(at + 1);
        }

        return symbols.SelectMany(symbol => Bpe.IdOf(symbol) is >= 0 and int id ? [id] : Encoding.UTF8.GetBytes(symbol).Select(value => value + 3));
    }

    // Of a segmentation: each unknown character (here as its bytes) costs ten below the worst piece.
    private static double Score(IReadOnlyList<int> ids)
    {
        double score = 0, unknown = Unigram.Pieces.Where(piece => piece.Type == 1).Min(piece => piece.Score) - 10;
        foreach (int id in ids)
        {
            if (Unigram.Pieces[id].Type == 1) score += Unigram.Pieces[id].Score;
            else if (((id - 3) & 0xC0) != 0x80) score += unknown;
        }

        return score;
    }

    private static double BestScore(string[] runes)
    {
        double unknown = Unigram.Pieces.Where(piece => piece.Type == 1).Min(piece => piece.Score) - 10;
        var best = new double[runes.Length + 1];
        for (int end = 1; end <= runes.Length; end++)
        {
            best[end] = double.NegativeInfinity;
            for (int start = Math.Max(0, end - 4); start < end; start++)
            {
                int id = Unigram.IdOf(string.Concat(runes[start..end]));
                double score = id >= 0 && Unigram.Pieces[id].Type == 1 ? Unigram.Pieces[id].Score : end - start == 1 ? unknown : double.NegativeInfinity;
                best[end] = Math.Max(best[end], best[start] + score);
            }
        }

        return best[^1];
    }
}
