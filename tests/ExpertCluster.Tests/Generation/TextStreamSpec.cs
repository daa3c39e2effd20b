using CsCheck;
using ExpertCluster.Models.Generation;
using ExpertCluster.Models.Tokenization;
using ExpertCluster.Tests.Tokenization;

namespace ExpertCluster.Tests.Generation;

public sealed class TextStreamSpec
{
    private static readonly ITextTokenizer Bytes = new TokenizerJsonBuilder().Merge("a", "b").Merge("ab", "c").Added("<s>").Added("<x>", special: false).Build();
    private static readonly SentencePieceModelWriter Writer = SentencePieceModelWriter.SmallBpe();
    private static readonly ITextTokenizer Pieces = Writer.Build();

    private static readonly Gen<int> ByteId = Gen.OneOf(
        Gen.Int[0, 262], Gen.OneOf(0xE4, 0xB8, 0x96, 0xF0, 0x9F, 0x8E, 0x89, 'a', 'b', 'c', ' '));

    private static readonly Gen<int> PieceId = Gen.OneOf(
        Gen.Int[0, Writer.Pieces.Count + 2], Gen.OneOf(3 + 0xE4, 3 + 0xB8, 3 + 0x96, 1, Writer.IdOf("▁a"), Writer.IdOf("▁▁"), Writer.IdOf("b")));

    private static readonly Gen<string[]> Stops = Gen.OneOf(
        Gen.OneOf("a", "b", "ab", "abc", "bca", "aa b", "世", "世世", "🎉", "\uFFFD", "\uFFFDa", " ", "<x>", "  ").Array[0, 3]);

    [Fact]
    public void Deltas_put_together_are_the_decoded_text_up_to_the_first_stop() => Gen.Select(ByteId.Array[0, 40], Stops).Sample((ids, stops) =>
        Check(Bytes, ids, stops), iter: 5000);

    [Fact]
    public void The_same_holds_for_SentencePiece() => Gen.Select(PieceId.Array[0, 40], Stops).Sample((ids, stops) =>
        Check(Pieces, ids, stops), iter: 5000);

    [Fact]
    public void Nothing_is_shown_that_a_stop_text_takes_back()
    {
        var stream = new TextStream(Bytes, ["bc!"]);
        stream.Push('a').Should().Be(new TextDelta("a", false));
        stream.Push('b').Should().Be(new TextDelta("", false));
        stream.Push('c').Should().Be(new TextDelta("", false));
        stream.Push('b').Should().Be(new TextDelta("bc", false));
        stream.Push('c').Should().Be(new TextDelta("", false));
        stream.Push('!').Should().Be(new TextDelta("", true));
        stream.Push('a').Should().Be(new TextDelta("", true));
        stream.Flush().Should().BeEmpty();
    }

    [Fact]
    public void Characters_wait_for_their_last_byte()
    {
        var stream = new TextStream(Bytes, []);
        stream.Push(0xE4).Text.Should().BeEmpty();
        stream.Push(0xB8).Text.Should().BeEmpty();
        stream.Push(0x96).Text.Should().Be("世");
        stream.Push(0xF0).Text.Should().BeEmpty();
        stream.Flush().Should().Be("\uFFFD");
    }

    [Fact]
    public void A_stop_text_inside_one_token_cuts_it()
    {
        int abc = Bytes.Encode("abc").Single();
        new TextStream(Bytes, ["b"]).Push(abc).Should().Be(new TextDelta("a", true));
    }

    [Fact]
    public void A_continuation_keeps_the_leading_space()
    {
        new TextStream(Pieces, []).Push(Writer.IdOf("▁a")).Text.Should().Be("a");
        new TextStream(Pieces, [], continuation: true).Push(Writer.IdOf("▁a")).Text.Should().Be(" a");
    }

    [Fact]
    public void Without_a_tokenizer_there_is_no_text()
    {
        var stream = new TextStream(null, ["a"]);
        stream.Push(97).Should().Be(new TextDelta("", false));
        stream.Flush().Should().BeEmpty();
    }

    [Fact]
    public void Stop_texts_must_be_text()
    {
        FluentActions.Invoking(() => new TextStream(Bytes, ["a", ""])).Should().Throw<ArgumentException>().WithMessage("Stop text 1 is empty*");
        FluentActions.Invoking(() => new TextStream(Bytes, ["\uD83D"])).Should().Throw<ArgumentException>().WithMessage("*not valid Unicode*");
    }

    private static void Check(ITextTokenizer tokenizer, int[] ids, string[] stops)
    {
        var text = tokenizer.Decode(ids);
        int? cut = FirstStop(text, stops);
        var stream = new TextStream(tokenizer, stops);
        var deltas = ids.Select(stream.Push).ToList();
        var all = string.Concat(deltas.Select(delta => delta.Text)) + stream.Flush();
        all.Should().Be(text[..(cut ?? text.Length)]);

        var again = new TextStream(tokenizer, stops);
        ids.Select(again.Push).Should().Equal(deltas);
    }

    // Where the stop text that is complete first begins; of several complete at the same place, the longest.
    private static int? FirstStop(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            var complete = stops.Where(stop => text.AsSpan(0, end).EndsWith(stop, StringComparison.Ordinal)).ToList();
            if (complete.Count > 0) return end - complete.Max(stop => stop.Length);
        }

        return null;
    }
}
