using ExpertCluster.Cluster.Balancing;

namespace ExpertCluster.Tests.Balancing;

/// <summary>Decisions as a list.</summary>
internal sealed class RecordedDecisions : IDecisionLog
{
    public List<(string Kind, string Subject, string Reason)> All { get; } = [];

    public void Add(string model, long epoch, string kind, string subject, string reason, params (string Name, double Value)[] numbers) =>
        All.Add((kind, subject, reason));
}
