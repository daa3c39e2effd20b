namespace ExpertCluster.Cluster.Load;

/// <summary>A model whose load is known.</summary>
/// <param name="Name">Its name in the cluster.</param>
/// <param name="Fingerprint">Fingerprint of its checkpoint.</param>
/// <param name="Layers">Layers with experts.</param>
/// <param name="Experts">Experts of each of them.</param>
public sealed record LoadModel(string Name, string Fingerprint, IReadOnlyList<int> Layers, int Experts);
