namespace ExpertCluster.Cli.Planning.Replay;

/// <summary>What a policy would have come to.</summary>
/// <param name="Policy">Its name.</param>
/// <param name="Balancedness">Mean ÷ max over devices, mean over layers and intervals, weighted by rows.</param>
/// <param name="Time">Σ over intervals and layers of the rows of the busiest device.</param>
/// <param name="Saved">How much less that is than without moving, 0 to 1.</param>
/// <param name="Rebalances">Intervals after which it moved something.</param>
/// <param name="Moves">Copies sent.</param>
/// <param name="Bytes">Bytes sent.</param>
/// <param name="TransferSeconds">Bytes ÷ link.</param>
/// <param name="Verdict">"worth it", "not worth it" or "not enough data".</param>
/// <param name="Reason">Why, with numbers.</param>
internal sealed record PolicyOutcome(
    string Policy, double Balancedness, double Time, double Saved, int Rebalances, int Moves, long Bytes, double TransferSeconds, string Verdict,
    string Reason);
