namespace ExpertCluster.Cluster.Load;

/// <summary>What a trace says of its model.</summary>
/// <param name="Name">Its name in the cluster.</param>
/// <param name="Layers">Layers with experts.</param>
/// <param name="Experts">Experts of each.</param>
/// <param name="ExpertBytes">Bytes of one expert's weights.</param>
internal sealed record TracedModel(string Name, IReadOnlyList<int> Layers, int Experts, long ExpertBytes);
