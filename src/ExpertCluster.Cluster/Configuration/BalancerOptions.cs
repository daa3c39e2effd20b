namespace ExpertCluster.Cluster.Configuration;

/// <summary>How experts are given to nodes.</summary>
public sealed class BalancerOptions
{
    /// <summary>Expert nodes to wait for before the first placement, 1 to 10,000. Default 1. Set it to the size the cluster starts with, or
    /// the first node takes all it can hold.</summary>
    public int MinExpertNodes { get; set; } = 1;

    /// <summary>Replicas wanted of every expert, 1 to 64, on different nodes. Default 1.</summary>
    public int Copies { get; set; } = 1;

    /// <summary>How often a replica that has not reported is told again to start. 100 ms to 10 min, default 2 s.</summary>
    public TimeSpan RetryInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a node is not asked again for an expert that it refused or could not load. 100 ms to 1 h, default 10 s.</summary>
    public TimeSpan ExclusionTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a node is not asked again for an expert whose copy disagreed with the others. 1 s to 24 h, default 10 min: what is damaged
    /// there seldom mends itself.</summary>
    public TimeSpan ProbeExclusion { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Between the publication that a replica goes and the order to stop, in which routers turn to others. 0 to 1 min, default 500 ms: a few
    /// times what a publication takes. What still comes is answered "not here" and sent again.</summary>
    public TimeSpan RetireDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    internal void Validate(OptionsErrors errors)
    {
        errors.Range("Balancer:MinExpertNodes", MinExpertNodes, 1, 10_000);
        errors.Range("Balancer:Copies", Copies, 1, 64);
        errors.Range("Balancer:RetryInterval", RetryInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        errors.Range("Balancer:ExclusionTime", ExclusionTime, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        errors.Range("Balancer:ProbeExclusion", ProbeExclusion, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24));
        errors.Range("Balancer:RetireDelay", RetireDelay, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }
}
