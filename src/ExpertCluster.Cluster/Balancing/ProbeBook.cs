using System.Globalization;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// What the first copy of each expert answered to the probe. A further copy must have the same weights, and the same answers: bit for bit
/// where device model, libtorch and threads match, else within a tolerance.
/// </summary>
internal sealed class ProbeBook
{
    /// <summary>Relative to the largest answer, between machines whose sums round differently.</summary>
    private const float Tolerance = 1e-5f;

    /// <summary>The same where one of the two computes in bfloat16, whose values have 8 bits: a few roundings of 2⁻⁸.</summary>
    private const float BFloat16Tolerance = 3e-2f;

    private readonly Dictionary<(string Model, int Layer, int Expert), (ReplicaId Replica, ReplicaProbe Probe)> _first = [];

    /// <summary>Why a copy may not answer; null where it may. The first copy of an expert sets the measure.</summary>
    public string? Check(string model, ReplicaId replica, ReplicaProbe? probe)
    {
        if (probe is null)
        {
            // A node of an older version, which had no probes.
            return null;
        }

        var key = (model, replica.Layer, replica.Expert);
        if (!_first.TryGetValue(key, out var first))
        {
            _first[key] = (replica, probe);
            return null;
        }

        var (other, expected) = first;
        if (probe.Type == expected.Type && probe.Weights != expected.Weights)
        {
            return $"its weights (hash {probe.Weights}) are not those of {other} ({expected.Weights})";
        }

        if (probe.Type == expected.Type && probe.Machine == expected.Machine)
        {
            return probe.Answer == expected.Answer
                ? null
                : $"its answers to the probe differ from those of {other}, though device, libtorch and threads ({probe.Machine}) are the same";
        }

        var limit = (probe.Type == expected.Type ? Tolerance : BFloat16Tolerance) * Math.Max(probe.Scale, expected.Scale);
        if (probe.Values.Length != expected.Values.Length)
        {
            return $"it answered the probe with {probe.Values.Length} values, {other} with {expected.Values.Length}";
        }

        var worst = 0f;
        for (var i = 0; i < probe.Values.Length; i++)
        {
            worst = Math.Max(worst, Math.Abs(probe.Values[i] - expected.Values[i]));
        }

        return worst <= limit
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"its answers to the probe differ from those of {other} by {worst:g3}, of which {limit:g3} is allowed");
    }

    /// <summary>Forgets a model that is no longer served.</summary>
    public void Forget(string model)
    {
        foreach (var key in _first.Keys.Where(k => k.Model == model).ToArray())
        {
            _first.Remove(key);
        }
    }
}
