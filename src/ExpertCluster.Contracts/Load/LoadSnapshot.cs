using System.Collections.Immutable;

namespace ExpertCluster.Contracts;

/// <summary>The demand for a model's experts as a balancer last knew it, for the one after it.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Fingerprint">Fingerprint of its checkpoint; the load of another says nothing.</param>
/// <param name="At">When it was taken, by the balancer's clock.</param>
/// <param name="Layers">Layers with demand.</param>
public sealed record LoadSnapshot(string Model, string Fingerprint, DateTimeOffset At, ImmutableArray<LayerDemand> Layers) : IClusterMessage;
