namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>What cluster a scenario needs.</summary>
internal sealed record DrillShape
{
    /// <summary>Nodes with experts at the start; the first is the oldest.</summary>
    public int Experts { get; init; } = 3;

    /// <summary>Nodes that answer clients and hold no experts.</summary>
    public int Gateways { get; init; } = 1;

    /// <summary>Expert nodes that are started later.</summary>
    public int Spare { get; init; }

    /// <summary>Whether nodes honour fault switches.</summary>
    public bool Faults { get; init; }

    /// <summary>Options of every node, <c>KEY=VALUE</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Further options of the expert node of that index at its first start.</summary>
    public Func<int, IReadOnlyList<string>>? ExpertSettings { get; init; }
}
