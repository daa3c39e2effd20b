using System.Globalization;
using System.Numerics;
using System.Text.Json.Serialization;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>What <c>bench layer</c> measures.</summary>
internal sealed record LayerBenchmarkSettings(
    int Hidden, int Ffn, int Experts, int TopK, IReadOnlyList<int> Tokens, int Nodes, bool Processes, int ClusterThreads, int DirectThreads,
    int Rounds)
{
    /// <summary>Where all variants compute: <c>cpu</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>What experts compute in: <c>float32</c> or <c>bf16</c>.</summary>
    public string Dtype { get; init; } = "float32";

    /// <summary>Memory bandwidth the floor is computed with, TB/s. Default: an H100's.</summary>
    public double DeviceBandwidth { get; init; } = 3.35;

    /// <summary>Rate of matrix products the floor is computed with, TFLOP/s. Default: bf16 as measured on an H100.</summary>
    public double DeviceFlops { get; init; } = 785;

    [JsonIgnore]
    public bool IsCuda => Device != "cpu";

    [JsonIgnore]
    public bool IsBFloat16 => Dtype == "bf16";

    /// <summary>Whether the direct run is one script call; in float32 on the CPU it is the twin that clusters are compared with.</summary>
    [JsonIgnore]
    public bool IsScripted => IsCuda || IsBFloat16;

    public void Validate()
    {
        if (Device != "cpu" && !(Device.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(Device.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            throw new UsageException($"--device is '{Device}'; it must be cpu or cuda:N, for example cuda:0.");
        }

        if (Dtype is not ("float32" or "bf16"))
        {
            throw new UsageException($"--dtype is '{Dtype}'; it must be float32 or bf16.");
        }

        Range("--device-bandwidth", DeviceBandwidth, 0.001, 1000);
        Range("--device-flops", DeviceFlops, 0.001, 1_000_000);
        Range("--hidden", Hidden, 2, 65536);
        Range("--ffn", Ffn, 1, 262144);
        Range("--experts", Experts, 1, 4096);
        Range("--top-k", TopK, 1, Experts);
        Range("--nodes", Nodes, 1, 64);
        Range("--threads", ClusterThreads, 1, 1024);
        Range("--direct-threads", DirectThreads, 1, 1024);
        Range("--rounds", Rounds, 1, 1000);
        if (Hidden % 2 != 0)
        {
            throw new UsageException($"--hidden is {Hidden}; it must be even.");
        }
    }

    private static void Range<T>(string option, T value, T least, T most)
        where T : INumber<T>
    {
        if (!(value >= least && value <= most))
        {
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be {least} to {most}."));
        }
    }
}
