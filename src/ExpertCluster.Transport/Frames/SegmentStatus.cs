namespace ExpertCluster.Transport;

/// <summary>What became of a segment.</summary>
public enum SegmentStatus
{
    /// <summary>Computed.</summary>
    Done = 0,

    /// <summary>The replica does not live here, or not yet: read the placement and send again.</summary>
    NotHere = 1,

    /// <summary>The replica's queue is full: send again with fewer rows, later or elsewhere.</summary>
    Busy = 2,

    /// <summary>The deadline had passed before it was computed.</summary>
    Expired = 3,

    /// <summary>The computation threw.</summary>
    Failed = 4,
}
