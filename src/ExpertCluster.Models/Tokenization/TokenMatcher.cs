using System.Buffers;

namespace ExpertCluster.Models.Tokenization;

/// <summary>Finds the leftmost, then longest, of a set of fixed texts.</summary>
internal sealed class TokenMatcher
{
    /// <summary>Longest text accepted; it bounds the work at each position.</summary>
    public const int MaxLength = 256;

    private readonly string[] _texts;
    private readonly int[] _values;
    private readonly SearchValues<char> _firsts;

    /// <summary>Takes the texts (none empty, none twice) and the value each stands for; both arrays are kept and reordered.</summary>
    public TokenMatcher(string[] texts, int[] values)
    {
        Array.Sort(texts, values, StringComparer.Ordinal);
        _texts = texts;
        _values = values;
        var firsts = new HashSet<char>();
        foreach (var text in texts) firsts.Add(text[0]);
        _firsts = SearchValues.Create([.. firsts]);
    }

    public bool IsEmpty => _texts.Length == 0;

    /// <summary>The next match at or after <paramref name="from"/>; false when there is none.</summary>
    public bool Find(ReadOnlySpan<char> text, int from, out int start, out int length, out int value)
    {
        for (start = from; start < text.Length; start++)
        {
            int skip = text[start..].IndexOfAny(_firsts);
            if (skip < 0) break;
            start += skip;
            int best = LongestAt(text[start..]);
            if (best < 0) continue;
            length = _texts[best].Length;
            value = _values[best];
            return true;
        }

        start = length = value = -1;
        return false;
    }

    // The texts are sorted, so those sharing a prefix are neighbours: each character narrows the range.
    private int LongestAt(ReadOnlySpan<char> text)
    {
        int low = 0, high = _texts.Length, best = -1;
        for (int depth = 0; depth < text.Length; depth++)
        {
            low = Bound(low, high, depth, text[depth]);
            high = Bound(low, high, depth, text[depth] + 1);
            if (low == high) break;
            if (_texts[low].Length == depth + 1) best = low;
        }

        return best;
    }

    private int Bound(int low, int high, int depth, int unit)
    {
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            var text = _texts[middle];
            if (text.Length <= depth || text[depth] < unit) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
