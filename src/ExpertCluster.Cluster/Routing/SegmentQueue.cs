namespace ExpertCluster.Cluster.Routing;

/// <summary>Segments that wait for one expert, oldest first.</summary>
internal sealed class SegmentQueue : Queue<Segment>
{
    /// <summary>Puts what was split off or must be sent again before everything else: it is the oldest.</summary>
    public void PutFirst(Segment segment)
    {
        // Rare, so a copy will do.
        var rest = ToArray();
        Clear();
        Enqueue(segment);
        foreach (var other in rest)
        {
            Enqueue(other);
        }
    }
}
