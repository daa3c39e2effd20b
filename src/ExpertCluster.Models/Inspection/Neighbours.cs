using ExpertCluster.Models.Generation;

namespace ExpertCluster.Models.Inspection;

/// <summary>Compares each token's experts with its neighbour's.</summary>
internal sealed class Neighbours
{
    /// <summary>Pairs looked at for chance: its standard error is at most a tenth of a percentage point.</summary>
    private const int Draws = 1 << 18;

    private readonly long[] _followed;
    private readonly long[] _kept;

    private Neighbours(NeighbourAgreement agreement, long[] followed, long[] kept)
    {
        Agreement = agreement;
        _followed = followed;
        _kept = kept;
    }

    /// <summary>Over all experts.</summary>
    public NeighbourAgreement Agreement { get; }

    /// <summary>Of the tokens whose first choice was this expert, the part whose next token's was too; null when none has a next token.</summary>
    public double? Kept(int expert) => _followed[expert] == 0 ? null : (double)_kept[expert] / _followed[expert];

    public static Neighbours Count(
        IReadOnlyList<TraceWindow> windows, ReadOnlySpan<ushort> choices, int topK, int experts, long seed)
    {
        var followed = new long[experts];
        var kept = new long[experts];
        var firsts = new long[experts];
        long pairs = 0;
        long shared = 0;
        foreach (TraceWindow window in windows)
        {
            for (int position = window.Start; position < window.Start + window.Length; position++)
            {
                ushort first = choices[position * topK];
                firsts[first]++;
                if (position + 1 == window.Start + window.Length)
                {
                    continue;
                }

                pairs++;
                followed[first]++;
                kept[first] += choices[(position + 1) * topK] == first ? 1 : 0;
                shared += Share(choices, topK, position, position + 1) ? 1 : 0;
            }
        }

        double tokens = firsts.Sum();
        double any = Math.Max(1, pairs);
        double sameFirst = tokens < 2 ? 0 : firsts.Sum(n => n * (n - 1.0)) / (tokens * (tokens - 1));
        return new Neighbours(
            new NeighbourAgreement(
                pairs, kept.Sum() / any, sameFirst, shared / any, topK == 1 ? sameFirst : SharedByChance(choices, topK, (int)tokens, seed)),
            followed,
            kept);
    }

    private static double SharedByChance(ReadOnlySpan<ushort> choices, int topK, int tokens, long seed)
    {
        long shared = 0;
        long pairs = (long)tokens * (tokens - 1) / 2;
        if (pairs <= Draws)
        {
            for (int a = 0; a < tokens; a++)
            {
                for (int b = a + 1; b < tokens; b++)
                {
                    shared += Share(choices, topK, a, b) ? 1 : 0;
                }
            }

            return shared / Math.Max(1.0, pairs);
        }

        for (int draw = 0; draw < Draws; draw++)
        {
            int a = (int)(CounterRandom.Uniform(seed, 2L * draw) * tokens);
            int b = (int)(CounterRandom.Uniform(seed, 2L * draw + 1) * (tokens - 1));
            shared += Share(choices, topK, a, b >= a ? b + 1 : b) ? 1 : 0;
        }

        return (double)shared / Draws;
    }

    private static bool Share(ReadOnlySpan<ushort> choices, int topK, int a, int b) =>
        choices.Slice(a * topK, topK).ContainsAny(choices.Slice(b * topK, topK));
}
