namespace ExpertCluster.Cli.Drills.View;

/// <summary>When every expert had all its copies again.</summary>
internal static class Coverage
{
    /// <summary>
    /// Seconds from a fault to the first look at which the lost node was no member any more and the others held all replicas, with nothing
    /// missing at any later look. Until a lost node is removed, its replicas still count as placed: that time is in the figure.
    /// </summary>
    /// <param name="seen">Snapshots in order.</param>
    /// <param name="at">When the fault came.</param>
    /// <param name="lost">Address of the lost node; null where none is lost.</param>
    /// <param name="replicas">Replicas wanted of all experts together.</param>
    /// <returns>Seconds; NaN where it never was so until the last look.</returns>
    public static double Seconds(IEnumerable<ClusterSnapshot> seen, double at, string? lost, int replicas)
    {
        var full = double.NaN;
        foreach (var snapshot in seen.Where(s => s.At >= at))
        {
            var isFull = (lost is null || !snapshot.Members.Contains(lost)) && snapshot.ReadyReplicas >= replicas;
            full = !isFull ? double.NaN : double.IsNaN(full) ? snapshot.At - at : full;
        }

        return full;
    }

    /// <summary>Segments sent again between two moments. A gateway that started anew, or another one, counts from 0.</summary>
    public static long Retries(IEnumerable<ClusterSnapshot> seen, double from, double to)
    {
        long retries = 0;
        ClusterSnapshot? last = null;
        foreach (var snapshot in seen.Where(s => s.At <= to))
        {
            if (last is not null && snapshot.At >= from)
            {
                retries += Math.Max(0, snapshot.Retries - last.Retries);
            }

            last = snapshot;
        }

        return retries;
    }
}
