namespace ExpertCluster.Cluster.Planning;

/// <summary>
/// What a plan is judged by. The objective is Σ over layers of r + λ·s + μ·x: r is the largest device time of the layer ÷ what it would be with
/// perfect balance (1 is perfect), s the seconds of transfer (bytes ÷ <see cref="LinkBytesPerSecond"/>), x the share of rows that leave their domain.
/// </summary>
public sealed record PlannerOptions
{
    /// <summary>How to look for a placement.</summary>
    public PlannerStrategy Strategy { get; init; } = PlannerStrategy.Balanced;

    /// <summary>λ: the gain in a layer's relative time that pays for a second of transfer, at least 0. Default 0.001: a second for a thousandth.</summary>
    public double MoveCost { get; init; } = 0.001;

    /// <summary>Bytes per second of the link that weights come over; above 0. Default 1.25e9, 10 Gbit/s.</summary>
    public double LinkBytesPerSecond { get; init; } = 1.25e9;

    /// <summary>μ: the gain in a layer's relative time that all of its rows leaving their domain would cost, at least 0. Default 0: not counted.</summary>
    public double CrossCost { get; init; }

    /// <summary>
    /// Least relative gain in Σ of the layers' largest device times for which anything moves, 0 to 1; below it only what must change does (lost
    /// copies, pins, exclusions). Default 0.02: what 5 % noise on measured loads costs 256 experts on 32 devices.
    /// </summary>
    public double MinGain { get; init; } = 0.02;

    /// <summary>Relative difference in a layer's largest device time below which two placements count as equal, 0 to 1. Default 0.0015.</summary>
    public double SameGain { get; init; } = 0.0015;

    /// <summary>
    /// Whether a layer is balanced enough when it is as balanced as a fresh plan of <see cref="Eplb"/> for the load would be: the same balance for
    /// the fewest copies, instead of the most balance that copies pay for. Default false.
    /// </summary>
    public bool EnoughLikeEplb { get; init; }

    /// <summary>Most copies to send for the sake of balance; null is no limit. What must change does not count.</summary>
    public int? MaxMoves { get; init; }

    /// <summary>Most bytes to send for the sake of balance; null is no limit.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>Experts of each layer that <see cref="PlannerStrategy.ReplicateTop"/> copies everywhere; null is as many as spare replicas allow.</summary>
    public int? TopExperts { get; init; }

    /// <summary>Placements looked at per layer, in thousands: more is closer to the optimum and slower. Default 400, some 5 ms a layer.</summary>
    public int Effort { get; init; } = 400;

    /// <summary>Seed of the search's own generator: the same problem, options and seed give the same plan.</summary>
    public int Seed { get; init; } = 1;
}
