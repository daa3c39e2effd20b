using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>Something that happens to a cluster in production.</summary>
internal interface IDrillScenario
{
    /// <summary>The word on the command line.</summary>
    string Name { get; }

    /// <summary>What is done, in a line.</summary>
    string Summary { get; }

    /// <summary>The cluster it needs.</summary>
    DrillShape Shape(DrillSettings settings);

    /// <summary>How long the balancer must have moved nothing before the control phase begins; zero where that does not matter.</summary>
    TimeSpan Quiet => TimeSpan.Zero;

    /// <summary>What must hold unless options say otherwise.</summary>
    DrillLimits Limits(DrillSettings settings);

    /// <summary>Does it; the phase goes on until this ends.</summary>
    Task RunAsync(DrillStage stage, CancellationToken cancellationToken);
}
