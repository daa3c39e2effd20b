using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;
using TorchSharp;

namespace ExpertCluster.Cluster.Experts;

/// <summary>
/// What a freshly loaded expert is asked before it may answer anybody: a few fixed rows. They page its weights in, compile for it, show that
/// it gives numbers – and let the balancer compare it with the expert's other copies.
/// </summary>
internal static class ExpertProbe
{
    /// <summary>Rows asked.</summary>
    private const int Rows = 4;

    /// <summary>Answers reported, evenly spread over all.</summary>
    private const int Sampled = 32;

    /// <summary>A span ends at 2 GB.</summary>
    private const long MostAtOnce = 1L << 30;

    private static readonly string Processor = ProcessorName();

    /// <summary>Asks an expert. On its device's executor thread, or a loader's.</summary>
    /// <param name="network">The expert.</param>
    /// <param name="device">Its device.</param>
    /// <param name="threads">libtorch threads of this thread's products.</param>
    /// <exception cref="InvalidDataException">It answers with something that is not finite.</exception>
    public static ReplicaProbe Ask(IExpertNetwork network, torch.Device device, int threads)
    {
        var answers = new float[Rows * network.HiddenSize];
        ExpertNetworkRunner.Run(network, Question(network.HiddenSize), Rows, answers, device);
        var scale = 0f;
        foreach (var value in answers)
        {
            if (!float.IsFinite(value))
            {
                throw new InvalidDataException("its weights turn the probe's rows into numbers that are not finite");
            }

            scale = Math.Max(scale, Math.Abs(value));
        }

        var step = Math.Max(1, answers.Length / Sampled);
        return new ReplicaProbe(
            network.Type == torch.ScalarType.BFloat16 ? RowType.BFloat16 : RowType.Float32,
            WeightsHash(network), Hex(SHA256.HashData(MemoryMarshal.AsBytes(answers.AsSpan()))), Machine(device, threads),
            [.. answers.Where((_, i) => i % step == 0).Take(Sampled)], scale);
    }

    /// <summary>Rows like those that experts see: values within ±√3 of variance 1, the same on every machine.</summary>
    private static float[] Question(int hidden)
    {
        var rows = new float[Rows * hidden];
        var state = 0x9E3779B9u;
        for (var i = 0; i < rows.Length; i++)
        {
            // A linear congruential generator (Numerical Recipes); its upper bits are uniform enough.
            state = (state * 1664525u) + 1013904223u;
            rows[i] = ((state >> 8) * (1f / (1 << 23)) - 1f) * 1.7320508f;
        }

        return rows;
    }

    private static string WeightsHash(IExpertNetwork network)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var weight in network.Weights)
        {
            using var host = weight.device.type == DeviceType.CPU ? null : weight.cpu();
            var whole = host ?? weight;
            if (whole.NumberOfElements * whole.ElementSize < MostAtOnce)
            {
                hash.AppendData(whole.bytes);
                continue;
            }

            for (long row = 0; row < whole.shape[0]; row++)
            {
                using var part = whole.select(0, row);
                hash.AppendData(part.bytes);
            }
        }

        return Hex(hash.GetHashAndReset());
    }

    /// <summary>Half of a SHA-256 is more than enough to tell damage, and half as much to send.</summary>
    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash.AsSpan(0, 16));

    private static string Machine(torch.Device device, int threads) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(device.type == DeviceType.CPU ? Processor : device.type.ToString())}/{torch.__version__}/{threads}");

    private static string ProcessorName()
    {
        const string File = "/proc/cpuinfo";
        try
        {
            if (System.IO.File.Exists(File) && System.IO.File.ReadLines(File).FirstOrDefault(
                line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line)
            {
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            }
        }
        catch (IOException)
        {
            // Then the architecture has to do.
        }

        return RuntimeInformation.ProcessArchitecture.ToString();
    }
}
