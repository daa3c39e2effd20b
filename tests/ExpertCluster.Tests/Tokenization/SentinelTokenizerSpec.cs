using CsCheck;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

/// <summary>T5's additions to SentencePiece.</summary>
public sealed class SentinelTokenizerSpec : IDisposable
{
    private static readonly SentencePieceModelWriter Unigram = SentencePieceModelWriter.SmallUnigram();
    private readonly string _directory = Directory.CreateTempSubdirectory("tokenizer-spec-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Sentinels_count_down_from_the_last_id_and_an_end_token_closes_the_text()
    {
        var tokenizer = Open("""{ "tokenizer_class": "T5Tokenizer", "extra_ids": 3 }""");
        var pieces = Unigram.Build();
        tokenizer.VocabularySize.Should().Be(pieces.VocabularySize + 3);
        int last = tokenizer.VocabularySize - 1;
        int end = Unigram.IdOf("</s>");
        tokenizer.Encode("ab <extra_id_0> b <extra_id_2>").Should().Equal(
            [.. pieces.Encode("ab", false), last, .. pieces.Encode("b", false), last - 2, end]);
        tokenizer.Encode("ab", addSpecialTokens: false).Should().Equal(pieces.Encode("ab", false));
        tokenizer.IsSpecial(end).Should().BeTrue();
        tokenizer.Decode([last, .. pieces.Encode("ab", false), last - 1, end]).Should().Be("<extra_id_0> ab<extra_id_1>");
    }

    [Fact]
    public void What_only_looks_like_a_sentinel_is_text()
    {
        var tokenizer = Open("""{ "extra_ids": 3 }""");
        foreach (var text in new[] { "<extra_id_3>", "<extra_id_99999999999>", "<extra_id_>" })
        {
            tokenizer.Encode(text).Should().OnlyContain(id => id < tokenizer.VocabularySize - 3);
        }
    }

    [Fact]
    public void Without_sentinels_it_is_the_pieces_own_text()
    {
        var tokenizer = Open("{}");
        tokenizer.VocabularySize.Should().Be(Unigram.Build().VocabularySize + 100);
        Gen.OneOf("a", "b", "c", " ", "é", "世").Array[1, 20].Select(string.Concat).Sample(text =>
            tokenizer.Decode(tokenizer.Encode(text)) == string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries)), iter: 300);
    }

    [Fact]
    public void A_bad_count_names_file_and_key()
    {
        FluentActions.Invoking(() => Open("""{ "extra_ids": -1 }""")).Should().Throw<Exception>().WithMessage("*tokenizer_config.json*extra_ids*");
    }

    private ITextTokenizer Open(string config)
    {
        File.WriteAllBytes(Path.Combine(_directory, "spiece.model"), Unigram.Bytes());
        File.WriteAllText(Path.Combine(_directory, "tokenizer_config.json"), config);
        return TokenizerLoader.Open(_directory);
    }
}
