namespace ExpertCluster.Cli.Benchmarks;

/// <summary>What benchmarks say of several rounds.</summary>
internal static class RoundStatistics
{
    /// <summary>A ratio is taken within each round: what slows the machine for a while then slows both of its sides.</summary>
    public static IEnumerable<double> Ratios(IEnumerable<double> values, IEnumerable<double> to) => values.Zip(to, (a, b) => a / b);

    /// <summary>The middle value, or the mean of the middle two.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length == 0 ? double.NaN : sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The smallest value that is not exceeded by that share of them; NaN where there are none.</summary>
    public static double Percentile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
