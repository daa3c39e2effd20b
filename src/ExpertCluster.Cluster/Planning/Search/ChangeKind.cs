namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>The neighbourhoods of the search.</summary>
internal enum ChangeKind
{
    /// <summary>The expert goes from the hot device to one with a free slot.</summary>
    Move,

    /// <summary>The expert and one of another device change places.</summary>
    Swap,

    /// <summary>A further copy of the expert in a free slot.</summary>
    Copy,

    /// <summary>A further copy of the expert in place of a spare copy of another.</summary>
    Replace,

    /// <summary>The hot device gives up a spare copy.</summary>
    Drop,

    /// <summary>All copies of the expert and all of another change places: what follows when two experts trade loads.</summary>
    Trade,
}
