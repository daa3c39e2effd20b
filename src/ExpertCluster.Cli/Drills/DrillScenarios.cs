using ExpertCluster.Cli.Drills.Scenarios;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Drills;

/// <summary>All scenarios, by name.</summary>
internal static class DrillScenarios
{
    /// <summary>Runs each of them.</summary>
    public const string All = "all";

    /// <summary>In the order in which <see cref="All"/> runs them.</summary>
    public static IReadOnlyList<IDrillScenario> List { get; } =
    [
        new KillScenario(oldest: false), new KillScenario(oldest: true), new GatewayKillScenario(), new DrainScenario(), new JoinScenario(),
        new PauseScenario(), new PartitionScenario(), new SlowScenario(), new BalancerKillScenario(), new RollingRestartScenario(),
        new GrowShrinkScenario(), new UpgradeScenario(), new DriftScenario(), new SoakScenario(),
    ];

    /// <summary>The scenarios of a name; all of them for <see cref="All"/>.</summary>
    /// <exception cref="UsageException">There is none of that name; the message lists them.</exception>
    public static IReadOnlyList<IDrillScenario> Find(string name) => name == All ? List
        : List.FirstOrDefault(s => s.Name == name) is { } scenario ? [scenario]
        : throw new UsageException($"There is no scenario '{name}'; there are {string.Join(", ", List.Select(s => s.Name))} and {All}.");
}
