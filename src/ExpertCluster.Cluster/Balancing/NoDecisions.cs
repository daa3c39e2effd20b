namespace ExpertCluster.Cluster.Balancing;

/// <summary>Keeps nothing.</summary>
internal sealed class NoDecisions : IDecisionLog
{
    public static NoDecisions Instance { get; } = new();

    public void Add(string model, long epoch, string kind, string subject, string reason, params (string Name, double Value)[] numbers)
    {
    }
}
