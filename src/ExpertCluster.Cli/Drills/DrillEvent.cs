namespace ExpertCluster.Cli.Drills;

/// <summary>Something the drill did or saw.</summary>
/// <param name="At">On the drill's clock, in seconds.</param>
/// <param name="What">In words.</param>
internal sealed record DrillEvent(double At, string What);
