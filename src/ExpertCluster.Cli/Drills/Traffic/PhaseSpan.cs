namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>A stretch of the drill's traffic.</summary>
/// <param name="Name">control, during or after.</param>
/// <param name="From">Its begin on the drill's clock, in seconds.</param>
/// <param name="To">Its end.</param>
internal sealed record PhaseSpan(string Name, double From, double To)
{
    /// <summary>Its length.</summary>
    public double Seconds => To - From;
}
