namespace ExpertCluster.Models.Inspection;

/// <summary>What to find out about a trace.</summary>
public sealed record InspectionOptions
{
    /// <summary>Favourite tokens of each expert, 0 or more.</summary>
    public int Favourites { get; init; } = 8;

    /// <summary>How often windows are dealt to texts at random, at least 1: with 200 the mean is known to a fourteenth of its spread.</summary>
    public int Shuffles { get; init; } = 200;

    /// <summary>Makes random deals and pairs repeatable.</summary>
    public long Seed { get; init; } = 1;
}
