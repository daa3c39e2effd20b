namespace ExpertCluster.Cli.Verification;

/// <summary>Largest difference relative to the largest value of the reference.</summary>
internal static class Comparison
{
    /// <summary>0 when equal; NaN where a value is NaN or infinite on one side only.</summary>
    public static double RelativeError(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        if (expected.Length != actual.Length)
        {
            throw new ArgumentException($"{expected.Length} values against {actual.Length}.");
        }

        double difference = 0, largest = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var d = Math.Abs((double)expected[i] - actual[i]);
            if (double.IsNaN(d))
            {
                return double.NaN;
            }

            difference = Math.Max(difference, d);
            largest = Math.Max(largest, Math.Abs((double)expected[i]));
        }

        return difference == 0 ? 0 : largest == 0 ? double.PositiveInfinity : difference / largest;
    }
}
