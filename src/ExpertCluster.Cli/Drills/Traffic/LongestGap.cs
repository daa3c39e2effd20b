namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>The longest time in which nobody got a token.</summary>
internal static class LongestGap
{
    /// <summary>Between one token and the next, whoever got them, and between the ends of the time and the nearest token.</summary>
    /// <param name="tokens">Moments at which a token came, in any order; those outside do not count.</param>
    /// <param name="from">Begin of the time.</param>
    /// <param name="to">Its end.</param>
    /// <returns>Seconds; the whole time where no token came.</returns>
    public static double Seconds(IEnumerable<double> tokens, double from, double to)
    {
        var longest = 0.0;
        var last = from;
        foreach (var at in tokens.Where(t => t >= from && t <= to).Order())
        {
            longest = Math.Max(longest, at - last);
            last = at;
        }

        return Math.Max(longest, to - last);
    }
}
