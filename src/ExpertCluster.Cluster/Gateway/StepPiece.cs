namespace ExpertCluster.Cluster.Gateway;

/// <summary>What one sequence gives to a step.</summary>
/// <param name="Call">Whose tokens.</param>
/// <param name="Count">How many of those not fed yet, or the whole source.</param>
/// <param name="Encode">Whether it is the source, for the encoder.</param>
internal readonly record struct StepPiece(GatewayCall Call, int Count, bool Encode = false);
