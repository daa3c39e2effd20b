using System.Text;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>
/// Unicode normalisation form C (UAX #15). <see cref="string.Normalize()"/> cannot be used: the programs run with invariant
/// globalisation, where it returns its input.
/// </summary>
internal static class CanonicalComposition
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Tails = 28;

    /// <summary>The text in form C; it must have no unpaired surrogate.</summary>
    public static string Compose(string text)
    {
        // Nothing below U+0300 decomposes into anything but what composes back.
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u02FF') < 0) return text;
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, runes);
        var codes = runes.ToArray();
        Order(codes);
        int count = Recompose(codes);
        var result = new StringBuilder(text.Length);
        Span<char> units = stackalloc char[2];
        for (int i = 0; i < count; i++) result.Append(units[..new Rune(codes[i]).EncodeToUtf16(units)]);
        return result.ToString();
    }

    private static void Decompose(int code, List<int> result)
    {
        int syllable = code - HangulBase;
        if (syllable is >= 0 and < Leads * Vowels * Tails)
        {
            result.Add(LeadBase + syllable / (Vowels * Tails));
            result.Add(VowelBase + syllable % (Vowels * Tails) / Tails);
            if (syllable % Tails != 0) result.Add(TailBase + syllable % Tails);
        }
        else if (CompositionData.Decompositions.TryGetValue(code, out var parts))
        {
            Decompose(parts.First, result);
            if (parts.Second != 0) Decompose(parts.Second, result);
        }
        else result.Add(code);
    }

    // Stable by combining class within each run of marks.
    private static void Order(int[] codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            if (CompositionData.ClassOf(codes[i]) == 0) continue;
            int end = i + 1;
            while (end < codes.Length && CompositionData.ClassOf(codes[end]) != 0) end++;
            if (end - i > 1)
            {
                var keys = new long[end - i];
                for (int k = 0; k < keys.Length; k++) keys[k] = ((long)CompositionData.ClassOf(codes[i + k]) << 32) | (uint)k;
                SortRun(codes, i, keys);
            }

            i = end;
        }
    }

    private static void SortRun(int[] codes, int start, long[] keys)
    {
        var run = codes.AsSpan(start, keys.Length).ToArray();
        Array.Sort(keys, run);
        run.CopyTo(codes, start);
    }

    private static int Recompose(int[] codes)
    {
        int starter = -1, lastClass = 0, count = 0;
        foreach (int code in codes)
        {
            int own = CompositionData.ClassOf(code);
            bool adjacent = starter == count - 1;
            if (starter >= 0 && (adjacent || (lastClass != 0 && lastClass < own)) && Composite(codes[starter], code) is > 0 and int composed)
            {
                codes[starter] = composed;
                continue;
            }

            if (own == 0) starter = count;
            lastClass = own;
            codes[count++] = code;
        }

        return count;
    }

    private static int Composite(int first, int second)
    {
        if (first is >= LeadBase and < LeadBase + Leads && second is >= VowelBase and < VowelBase + Vowels)
            return HangulBase + ((first - LeadBase) * Vowels + second - VowelBase) * Tails;
        int syllable = first - HangulBase;
        if (syllable is >= 0 and < Leads * Vowels * Tails && syllable % Tails == 0 && second is > TailBase and < TailBase + Tails)
            return first + second - TailBase;
        return CompositionData.Compositions.TryGetValue((first, second), out int composed) ? composed : 0;
    }
}
