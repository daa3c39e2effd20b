namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>What stays the same while a layer's placement is searched for. Matrices are [E, D], row by row, devices sorted by domain.</summary>
internal sealed class LayerFrame
{
    public required int Experts { get; init; }

    public required int Devices { get; init; }

    /// <summary>Rows per expert, [E].</summary>
    public required double[] Load { get; init; }

    /// <summary>[D].</summary>
    public required double[] Speed { get; init; }

    /// <summary>1 ÷ speed, [D].</summary>
    public required double[] Inverse { get; init; }

    /// <summary>Domain of each device, [D].</summary>
    public required int[] Domain { get; init; }

    public required int Domains { get; init; }

    /// <summary>Most replicas of this layer on each device, [D]: its slots, and this layer's part of its memory.</summary>
    public required int[] Cap { get; init; }

    /// <summary>Most replicas of the layer.</summary>
    public required int MaxTotal { get; init; }

    /// <summary>Wanted copies of each expert.</summary>
    public required int MinCopies { get; init; }

    /// <summary>Domains an expert's copies should be in; 1 or less asks for nothing.</summary>
    public required int Spread { get; init; }

    /// <summary>Where an expert may be.</summary>
    public required bool[] Allowed { get; init; }

    /// <summary>Where it must be.</summary>
    public required bool[] Pinned { get; init; }

    /// <summary>Where it is now.</summary>
    public required bool[] Baseline { get; init; }

    /// <summary>Group of each expert, [E], or null.</summary>
    public int[]? Groups { get; init; }

    /// <summary>Share of the rows that start in each domain, or null.</summary>
    public double[]? RowsFrom { get; init; }

    public double TotalLoad { get; private set; }

    /// <summary>Device time with perfect balance.</summary>
    public double Ideal { get; private set; }

    /// <summary>A device time that no lawful placement is below: perfect balance, over all devices or inside the busiest domain of kept groups.</summary>
    public double Floor { get; private set; }

    public bool HasPins { get; private set; }

    public LayerFrame Ready()
    {
        foreach (var load in Load)
        {
            TotalLoad += load;
        }

        Ideal = TotalLoad / Speed.Sum();
        Floor = Math.Max(Floor, Ideal);
        HasPins = Array.IndexOf(Pinned, true) >= 0;
        return this;
    }

    /// <summary>The same layer with other places allowed.</summary>
    public LayerFrame With(bool[] allowed, bool[] pinned, double floor = 0) => new LayerFrame
    {
        Experts = Experts,
        Devices = Devices,
        Load = Load,
        Speed = Speed,
        Inverse = Inverse,
        Domain = Domain,
        Domains = Domains,
        Cap = Cap,
        MaxTotal = MaxTotal,
        MinCopies = MinCopies,
        Spread = Spread,
        Allowed = allowed,
        Pinned = pinned,
        Baseline = Baseline,
        Groups = Groups,
        RowsFrom = RowsFrom,
        Floor = floor,
    }.Ready();
}
