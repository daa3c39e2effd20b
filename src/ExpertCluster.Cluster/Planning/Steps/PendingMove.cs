namespace ExpertCluster.Cluster.Planning.Steps;

/// <summary>A copy that has to come, to go, or both; −1 where there is no device.</summary>
internal sealed record PendingMove(int Expert, int From, int To);
