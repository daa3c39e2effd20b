namespace ExpertCluster.Cluster.Balancing;

/// <summary>How fast plans are carried out.</summary>
/// <param name="Concurrent">Copies that load at once.</param>
/// <param name="BytesPerSecond">Weights read per second, over all nodes; 0 for no limit.</param>
/// <param name="StepTimeout">After which a copy that is not ready is given up.</param>
internal sealed record MoveLimits(int Concurrent, long BytesPerSecond, TimeSpan StepTimeout);
