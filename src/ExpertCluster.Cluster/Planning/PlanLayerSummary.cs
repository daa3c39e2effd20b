namespace ExpertCluster.Cluster.Planning;

/// <summary>A layer before and after a plan.</summary>
/// <param name="Layer"><see cref="PlanLayer.Layer"/>.</param>
/// <param name="BalancednessBefore">
/// Device time with perfect balance (all load ÷ all speed) ÷ largest device time, 0 to 1, copies of an expert sharing its load evenly. With equal
/// devices this is EPLB's figure, mean ÷ max. Load of an expert without a copy burdens nobody. 1 for a layer without load.
/// </param>
/// <param name="BalancednessAfter">The same after the plan.</param>
/// <param name="MaxTimeBefore">Load ÷ speed of the slowest device.</param>
/// <param name="MaxTimeAfter">The same after the plan.</param>
/// <param name="Received">Copies that devices must receive which do not hold them now.</param>
/// <param name="ReplicasBefore">Replicas now, on devices that are there.</param>
/// <param name="ReplicasAfter">Replicas after the plan.</param>
/// <param name="CrossRowsAfter">Share of the rows that leave their domain after the plan; null where <see cref="PlanLayer.RowsFrom"/> is.</param>
public sealed record PlanLayerSummary(
    int Layer,
    double BalancednessBefore,
    double BalancednessAfter,
    double MaxTimeBefore,
    double MaxTimeAfter,
    int Received,
    int ReplicasBefore,
    int ReplicasAfter,
    double? CrossRowsAfter);
