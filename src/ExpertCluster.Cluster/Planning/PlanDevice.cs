namespace ExpertCluster.Cluster.Planning;

/// <summary>A place for replicas: one expert process with its device. What the cluster calls a node, EPLB calls a GPU.</summary>
/// <param name="Id">Its name, unique in a problem.</param>
/// <param name="Domain">What fails together with it: a host, a rack. EPLB calls it a node.</param>
/// <param name="Speed">Rows it computes in a unit of time, relative to the others; above 0.</param>
/// <param name="MemoryBytes">Room for this model's expert weights over all layers; <see cref="long.MaxValue"/> is no limit.</param>
/// <param name="MaxPerLayer">Slots in each layer; null is no limit.</param>
public sealed record PlanDevice(string Id, string Domain, double Speed = 1, long MemoryBytes = long.MaxValue, int? MaxPerLayer = null);
