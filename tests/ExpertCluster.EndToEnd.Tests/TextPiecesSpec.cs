using System.Text;
using ExpertCluster.Cli.Inspection;

namespace ExpertCluster.EndToEnd.Tests;

public sealed class TextPiecesSpec
{
    [Fact]
    public void A_long_text_comes_in_pieces_that_begin_with_lines_and_is_whole_again_when_joined()
    {
        using var directory = new TemporaryDirectory();
        var text = new StringBuilder();
        for (var i = 0; text.Length < 3 * TextPieces.PieceLength; i++)
        {
            text.Append($"{i} – häuser, 家, 😀{(i % 3 == 0 ? "\n" : "\n\n  ")}");
        }

        File.WriteAllText(directory.Of("a.txt"), text.ToString());
        string[] pieces = [.. TextPieces.Read(directory.Of("a.txt"))];
        pieces.Should().HaveCountGreaterThan(2);
        string.Concat(pieces).Should().Be(text.ToString());
        pieces.Skip(1).Should().OnlyContain(piece => char.IsAsciiDigit(piece[0]));
        pieces.Should().OnlyContain(piece => piece.Length <= TextPieces.PieceLength + (1 << 16));
    }

    [Fact]
    public void A_text_without_lines_is_cut_between_characters()
    {
        using var directory = new TemporaryDirectory();
        var text = "a" + string.Concat(Enumerable.Repeat("😀", TextPieces.PieceLength));
        File.WriteAllText(directory.Of("a.txt"), text);
        string[] pieces = [.. TextPieces.Read(directory.Of("a.txt"))];
        pieces.Should().HaveCountGreaterThan(1).And.OnlyContain(piece => !char.IsHighSurrogate(piece.Last()));
        string.Concat(pieces).Should().Be(text);
    }

    [Fact]
    public void A_byte_order_mark_is_no_text()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.Of("a.txt"), "text", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        TextPieces.Read(directory.Of("a.txt")).Should().Equal("text");
    }
}
