using System.Globalization;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>The least time that a layer can take on a CUDA device, and what the direct run is judged by there.</summary>
internal static class LayerFloor
{
    /// <summary>How many times the floor the direct run may take, by the number of rows from which on it is judged so.</summary>
    private static readonly (int Tokens, double Limit)[] Limits = [(4096, 1.5), (1024, 2)];

    /// <summary>
    /// Milliseconds: the larger of reading the weights of all experts that have rows, and 2·T·k·3·H·F operations. NaN but on CUDA.
    /// </summary>
    public static double Milliseconds(LayerBenchmarkSettings settings, int tokens, int usedExperts)
    {
        if (!settings.IsCuda)
        {
            return double.NaN;
        }

        var values = 3.0 * settings.Hidden * settings.Ffn;
        var reading = usedExperts * values * (settings.IsBFloat16 ? sizeof(ushort) : sizeof(float)) / (settings.DeviceBandwidth * 1e12);
        var computing = 2.0 * tokens * settings.TopK * values / (settings.DeviceFlops * 1e12);
        return Math.Max(reading, computing) * 1000;
    }

    public static IEnumerable<Check> Checks(LayerBenchmarkSettings settings, IEnumerable<LayerBenchmarkResult.Row> rows) =>
        from row in rows
        where settings.IsCuda
        from limit in Limits.Where(l => row.Tokens == l.Tokens || (row.Tokens >= 4096 && l.Tokens == 4096)).Take(1)
        select Check.AtMost($"direct÷floor T={row.Tokens}", row.DirectMs / row.FloorMs!.Value, limit.Limit);

    /// <summary>A line for people; empty but on CUDA.</summary>
    public static string Describe(LayerBenchmarkSettings settings, IEnumerable<LayerBenchmarkResult.Row> rows) => !settings.IsCuda
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"floor at {settings.DeviceBandwidth} TB/s and {settings.DeviceFlops} TFLOP/s: ")
            + string.Join(", ", rows.Select(r => string.Create(
                CultureInfo.InvariantCulture, $"T={r.Tokens} {r.FloorMs:0.000} ms (direct {r.DirectMs / r.FloorMs:0.00} times)")));
}
