using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Drills.Traffic;

namespace ExpertCluster.Cli.Drills.Report;

/// <summary>What a drill measured, beside its scenario's own checks.</summary>
internal sealed record DrillFigures
{
    /// <summary>control, during, after.</summary>
    public required IReadOnlyList<PhaseResult> Phases { get; init; }

    /// <summary>Verified answers wanted of each phase.</summary>
    public required int Answers { get; init; }

    /// <summary>Answers a second in the warm-up.</summary>
    public required double SaturatedPerSecond { get; init; }

    /// <summary>Requests a second offered.</summary>
    public required double OfferedPerSecond { get; init; }

    /// <summary>The share that was asked for.</summary>
    public required double LoadShare { get; init; }

    /// <summary>Seconds from the fault until every expert had its copies again; null where no node was lost.</summary>
    public double? CoverageSeconds { get; init; }

    /// <summary>Of the layer that was least balanced before the fault; null where nobody told who holds what.</summary>
    public double? BalancednessBefore { get; init; }

    /// <summary>Of the same layer at the end.</summary>
    public double? BalancednessAfter { get; init; }

    /// <summary>Replicas moved for load, after the control phase; by the balancer's log where gateways do not tell.</summary>
    public long? Moves { get; init; }

    /// <summary>The same in the control phase.</summary>
    public long? SteadyMoves { get; init; }

    /// <summary>Bytes of weights read for these moves, after the control phase.</summary>
    public long? BytesMoved { get; init; }

    /// <summary>Processes that lived all the time.</summary>
    public required IReadOnlyList<NodeGrowth> Growth { get; init; }

    /// <summary>Epochs of a layer that more than one node wrote.</summary>
    public int DisputedEpochs { get; init; }

    /// <summary>Times that an actor of the cluster or of its sharding threw.</summary>
    public int ActorCrashes { get; init; }

    /// <summary>Times that the balancer crashed and began again where it was.</summary>
    public int BalancerRestarts { get; init; }

    /// <summary>Nodes that ended although nobody told them to.</summary>
    public int Fallen { get; init; }
}
