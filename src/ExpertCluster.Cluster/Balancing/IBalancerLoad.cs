using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>What the balancer knows of load.</summary>
internal interface IBalancerLoad
{
    /// <summary>Tokens of each expert of a layer lately; null where there were too few to tell.</summary>
    double[]? Demand(string model, int layer);

    /// <summary>How fast a node computes rows, relative to the others' median; 1 where too little was seen.</summary>
    double Speed(NodeId node);

    /// <summary>Why the placement no longer fits the load, in words; null while it does. Asked once per interval.</summary>
    string? Drift(ModelPlacement model, DateTimeOffset now);

    /// <summary>The present load is the one the placement is now made for.</summary>
    void Planned(ModelPlacement model, DateTimeOffset now);
}
