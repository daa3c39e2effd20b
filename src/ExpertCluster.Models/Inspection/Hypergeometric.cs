namespace ExpertCluster.Models.Inspection;

/// <summary>What counts come out when things are dealt at random.</summary>
internal static class Hypergeometric
{
    /// <summary>Below this part of the likeliest count's probability, the rest of a tail changes no digit that is shown.</summary>
    private const double Negligible = 1e-14;

    /// <summary>n·log₂ n, 0 for 0.</summary>
    public static double NLogN(double n) => n > 0 ? n * Math.Log2(n) : 0;

    /// <summary>
    /// Mean of n·log₂ n, where n is how many of <paramref name="drawn"/> tokens, drawn at random without putting back from
    /// <paramref name="population"/>, are among the <paramref name="marked"/> ones.
    /// </summary>
    public static double MeanNLogN(int population, int marked, int drawn)
    {
        int least = Math.Max(0, (int)((long)marked + drawn - population));
        int most = Math.Min(marked, drawn);
        if (least == most)
        {
            return NLogN(most);
        }

        // Weights relative to the likeliest count, by the ratio of neighbours: no factorial, no overflow.
        int mode = Math.Clamp((int)((marked + 1.0) * (drawn + 1.0) / (population + 2.0)), least, most);
        double weights = 1;
        double sum = NLogN(mode);
        double weight = 1;
        for (int n = mode; n < most && weight > Negligible; n++)
        {
            weight *= (double)(marked - n) * (drawn - n) / ((n + 1.0) * ((double)population - marked - drawn + n + 1));
            weights += weight;
            sum += weight * NLogN(n + 1);
        }

        weight = 1;
        for (int n = mode; n > least && weight > Negligible; n--)
        {
            weight *= n * ((double)population - marked - drawn + n) / ((double)(marked - n + 1) * (drawn - n + 1));
            weights += weight;
            sum += weight * NLogN(n - 1);
        }

        return sum / weights;
    }
}
