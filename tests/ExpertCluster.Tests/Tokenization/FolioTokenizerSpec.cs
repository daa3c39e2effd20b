using System.Text;
using CsCheck;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

public sealed class FolioTokenizerSpec
{
    private readonly ITextTokenizer _tokenizer = TokenizerLoader.Open(ModelFiles.Folio);

    [Fact]
    public void The_golden_prompt_encodes_to_the_golden_ids()
    {
        _tokenizer.VocabularySize.Should().Be(2048);
        _tokenizer.Encode(ModelFiles.GoldenText("prompt")).Should().Equal(ModelFiles.Golden("prompt_ids"));
    }

    [Fact]
    public void The_golden_ids_decode_to_the_golden_text()
    {
        _tokenizer.Decode(ModelFiles.Golden("generated")).Should().Be(ModelFiles.GoldenText("text"));
    }

    [Fact]
    public void The_golden_text_encodes_to_the_golden_ids()
    {
        _tokenizer.Encode(ModelFiles.GoldenText("text")).Should().Equal(ModelFiles.Golden("generated"));
    }

    [Fact]
    public void Any_text_survives_encoding_and_decoding() => Texts.Any.Where(text => !text.Contains("s>", StringComparison.Ordinal)).Sample(text =>
        _tokenizer.Decode(_tokenizer.Encode(text)) == Texts.WellFormed(text), iter: 2000);

    [Fact]
    public void Special_tokens_are_found_in_text_and_leave_none()
    {
        var ids = _tokenizer.Encode("a</s>b");
        ids.Should().Contain(2);
        _tokenizer.IsSpecial(2).Should().BeTrue();
        _tokenizer.IsSpecial(100).Should().BeFalse();
        _tokenizer.Decode(ids).Should().Be("ab");
    }

    [Fact]
    public void Ids_outside_the_vocabulary_decode_to_nothing()
    {
        _tokenizer.Decode([5000, int.MaxValue]).Should().BeEmpty();
        FluentActions.Invoking(() => _tokenizer.Decode([-1])).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Bytes_of_tokens_put_together_are_the_text()
    {
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        foreach (int id in _tokenizer.Encode("Grüße, 世界 🎉")) _tokenizer.AppendBytes(id, bytes);
        Encoding.UTF8.GetString(bytes.WrittenSpan).Should().Be("Grüße, 世界 🎉");
    }
}
