using System.Text.RegularExpressions;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>One step of the pre-tokenizer: cuts a piece into smaller ones.</summary>
/// <param name="file">File for error messages.</param>
/// <param name="key">Where the file gives the pattern.</param>
/// <param name="pattern">The pattern; compiled when first needed.</param>
/// <param name="keepGaps">Whether what lies between matches is kept.</param>
/// <param name="keepMatches">Whether the matches are kept.</param>
internal sealed partial class PieceSplitter(TokenizerJson file, string key, Lazy<Regex> pattern, bool keepGaps = true, bool keepMatches = true)
{
    /// <summary>Takes one piece.</summary>
    public delegate void PieceAction(ReadOnlySpan<char> piece);

    /// <summary>GPT-2's pattern, which <c>use_regex</c> of ByteLevel means.</summary>
    public static PieceSplitter Gpt2(TokenizerJson file) => new(file, "pre_tokenizer", new(Gpt2Pattern));

    public void Split(ReadOnlySpan<char> piece, SplitDeadline deadline, PieceAction onPiece)
    {
        var text = new RegexText(piece);
        int done = 0, matches = 0;
        try
        {
            foreach (var match in Pattern.EnumerateMatches(text.Text))
            {
                if ((++matches & 255) == 0 && deadline.Passed) throw TooSlow(null);
                if (match.Length == 0) continue;
                int start = text.Map(match.Index), end = text.Map(match.Index + match.Length);
                if (start > done && keepGaps) onPiece(piece[done..start]);
                if (keepMatches) onPiece(piece[start..end]);
                done = end;
            }
        }
        catch (RegexMatchTimeoutException error)
        {
            throw TooSlow(error);
        }

        if (done < piece.Length && keepGaps) onPiece(piece[done..]);
    }

    /// <summary>Compiles the pattern now.</summary>
    /// <exception cref="TokenizerException">It is not a pattern.</exception>
    public Regex Pattern
    {
        get
        {
            try
            {
                return pattern.Value;
            }
            catch (ArgumentException error)
            {
                throw file.Error(key, $"is not a regular expression .NET understands ({error.Message}).", error);
            }
        }
    }

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2Pattern();

    private TokenizerException TooSlow(Exception? inner) =>
        file.Error(key, "takes too long on this text; the pattern backtracks without bound and cannot be used.", inner);
}
