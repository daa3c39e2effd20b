namespace ExpertCluster.Cluster.Routing;

/// <summary>Slots of one work that go to one expert.</summary>
/// <param name="Work">The work.</param>
/// <param name="Expert">The expert.</param>
/// <param name="Slots">Slot numbers, ascending; the row of slot s is token s ÷ k.</param>
/// <param name="Failures">How often computing these slots has thrown.</param>
internal readonly record struct Segment(RouteWork Work, int Expert, ReadOnlyMemory<int> Slots, int Failures = 0);
