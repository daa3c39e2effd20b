namespace ExpertCluster.Moe.Placement;

/// <summary>What <see cref="ShadowingModel"/> recommends.</summary>
/// <param name="Experts">Experts to copy to every worker, hottest first; empty when it does not pay.</param>
/// <param name="SecondsWithout">Estimate of an iteration without shadowing.</param>
/// <param name="SecondsWith">Estimate with these experts shadowed.</param>
public sealed record ShadowingPlan(IReadOnlyList<int> Experts, double SecondsWithout, double SecondsWith);
