using ExpertCluster.Cli.Output;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Prompts of <c>bench generate</c>: windows of one text, all different, two to four dozen tokens long.</summary>
internal static class BenchmarkPrompts
{
    private const int Shortest = 24;

    /// <summary>Tokens of the longest prompt.</summary>
    public const int Longest = 48;

    private const string Text =
        """
        MERCHANT:
        Good morrow, captain. Tell me, are the ships come home that left before the frost? The warehouse stands empty, and three letters lie
        unanswered upon my table.

        CAPTAIN:
        Two are at anchor, sir, and the third was seen at dawn beyond the point. The wind has turned against her, but she carries little sail
        and a patient master.

        MERCHANT:
        Then let us be patient too. What cargo do they bring?

        CAPTAIN:
        Wool and timber, a little silver, and a clock that keeps no honest time. There is also a scholar who will not be parted from his books.

        SCHOLAR:
        I heard that, friend. A man without his books is a house without windows: he may sit safe inside, yet never know the weather.

        MERCHANT:
        Welcome to our town. You shall have bread and a bed, and if you can reckon, you shall have work besides. My last clerk ran off to be a
        soldier and took my best pen with him.

        SCHOLAR:
        I reckon well enough by day and better by candle. But tell me first, who rules here? I passed a gate with no guard, and a court with
        no judge, and a market where every man was shouting and no man was cheated.

        CAPTAIN:
        The duke is gone hunting. When he is gone the laws are kept; when he returns they are discussed.

        Enter a MESSENGER, out of breath.

        MESSENGER:
        My lords, the bridge is down! The river has risen in the night and carried off the mill, the miller's cart, and half of the road to
        the north.

        MERCHANT:
        And the miller?

        MESSENGER:
        Safe upon his roof, sir, and singing. He says he never had so fair a view, and asks that somebody should bring him his supper.

        CAPTAIN:
        I have a boat and eleven idle men. We shall go at once. Scholar, can you row?

        SCHOLAR:
        I have read of it. One sits backward and goes forward, which is how most wisdom travels.

        MERCHANT:
        Go then, and may the water be gentler than its reputation. I will open the granary and light the great lamp upon the tower, so that
        whoever is abroad tonight may see that the town still stands.
        """;

    /// <summary>The first so many prompts, as token ids.</summary>
    /// <exception cref="UsageException">The tokenizer makes too little of the text.</exception>
    public static IReadOnlyList<IReadOnlyList<int>> Take(ITextTokenizer tokenizer, int count)
    {
        int[] tokens = [.. tokenizer.Encode(Text, addSpecialTokens: false)];
        var starts = tokens.Length - Longest;
        if (starts < count)
        {
            throw new UsageException($"The benchmark's text is {tokens.Length} tokens long for this tokenizer: too few for {count} different prompts.");
        }

        // Neighbours lie apart, and the stride shares no factor with the number of starts: each start is used once.
        var stride = 29;
        while (Gcd(stride, starts) != 1)
        {
            stride++;
        }

        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var start = i * stride % starts;
            return tokens[start..(start + Shortest + (i * 7 % (Longest - Shortest + 1)))];
        })];
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}
