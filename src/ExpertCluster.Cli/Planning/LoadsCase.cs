namespace ExpertCluster.Cli.Planning;

/// <summary>A case of a file of loads, in the form of EPLB's own goldens.</summary>
internal sealed record LoadsCase
{
    /// <summary>Its place in the file.</summary>
    public required int Number { get; init; }

    public string Kind { get; init; } = "";

    /// <summary>Rows per expert, [layers][experts].</summary>
    public required double[][] Load { get; init; }

    /// <summary>What the loads become, or null.</summary>
    public double[][]? LoadNext { get; init; }

    /// <summary>Expert of each slot now, −1 for none, slots of a GPU together, [layers][replicas]; or null.</summary>
    public int[][]? Present { get; init; }

    public required int Replicas { get; init; }

    public required int Groups { get; init; }

    public required int Nodes { get; init; }

    public required int Gpus { get; init; }

    public double? BalancednessMean { get; init; }

    public double? BalancednessMin { get; init; }

    public double? Seconds { get; init; }

    public int Experts => Load[0].Length;

    /// <summary>Whether EPLB keeps groups on nodes here.</summary>
    public bool KeepsGroups => Groups > 1 && Groups % Nodes == 0;

    /// <summary>Whether EPLB's rules of divisibility hold.</summary>
    public bool SuitsEplb => Replicas % Gpus == 0 && Gpus % Nodes == 0 && Experts % Groups == 0;
}
