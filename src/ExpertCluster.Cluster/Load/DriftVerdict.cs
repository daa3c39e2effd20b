namespace ExpertCluster.Cluster.Load;

/// <summary>A look for drift in one layer, with its numbers.</summary>
/// <param name="State">What it came to.</param>
/// <param name="Confirmations">Looks in a row that saw drift, this one included.</param>
/// <param name="Balancedness">Balancedness as placed, in (0, 1].</param>
/// <param name="Bound">Balancedness that no placement passes.</param>
/// <param name="Distance">Total variation from the load last planned for, less what chance makes of so few rows; 0 to 1.</param>
/// <param name="Tokens">Rows in the window.</param>
/// <param name="Reason">The same in words.</param>
public sealed record DriftVerdict(
    DriftState State, int Confirmations, double Balancedness, double Bound, double Distance, double Tokens, string Reason)
{
    /// <summary>Whether to plan anew.</summary>
    public bool Fires => State == DriftState.Fires;
}
