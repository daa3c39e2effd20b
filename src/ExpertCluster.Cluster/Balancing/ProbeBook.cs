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

    private readonly Dictionary<(string Model, int Layer, int Expert), Record> _records = [];

    /// <summary>Whether a copy of an expert has set the measure.</summary>
    public bool Knows(string model, ReplicaId replica) => _records.ContainsKey((model, replica.Layer, replica.Expert));

    /// <summary>Why a copy may not answer; null where it may. The first copy of an expert sets the measure, until copies on two other nodes agree that it is wrong.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="replica">The copy.</param>
    /// <param name="node">Where it is.</param>
    /// <param name="probe">What it answered.</param>
    /// <param name="outvoted">The copy whose measure no longer holds; null as a rule.</param>
    public string? Check(string model, ReplicaId replica, NodeId node, ReplicaProbe? probe, out ReplicaId? outvoted)
    {
        outvoted = null;
        if (probe is null)
        {
            // A node of an older version, which had no probes.
            return null;
        }

        var key = (model, replica.Layer, replica.Expert);
        if (!_records.TryGetValue(key, out var record))
        {
            _records[key] = new Record(replica, probe);
            return null;
        }

        if (Difference(record, probe) is not { } difference)
        {
            return null;
        }

        if (record.Dissent.Exists(d => d.Node != node && d.Probe.Type == probe.Type && d.Probe.Weights == probe.Weights))
        {
            outvoted = record.Replica;
            _records[key] = new Record(replica, probe);
            return null;
        }

        record.Dissent.RemoveAll(d => d.Node == node);
        record.Dissent.Add((node, probe));
        return difference;
    }

    /// <summary>Nodes that are gone have no voice.</summary>
    public void Keep(Func<NodeId, bool> isAlive)
    {
        foreach (var record in _records.Values)
        {
            record.Dissent.RemoveAll(d => !isAlive(d.Node));
        }
    }

    /// <summary>Forgets a model that is no longer served.</summary>
    public void Forget(string model)
    {
        foreach (var key in _records.Keys.Where(k => k.Model == model).ToArray())
        {
            _records.Remove(key);
        }
    }

    private static string? Difference(Record record, ReplicaProbe probe)
    {
        var (other, expected) = (record.Replica, record.Probe);
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

    private sealed class Record(ReplicaId replica, ReplicaProbe probe)
    {
        public ReplicaId Replica { get; } = replica;

        public ReplicaProbe Probe { get; } = probe;

        /// <summary>Copies that were turned away, one a node.</summary>
        public List<(NodeId Node, ReplicaProbe Probe)> Dissent { get; } = [];
    }
}
