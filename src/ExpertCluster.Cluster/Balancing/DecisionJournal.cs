using System.Text.Json.Nodes;
using ExpertCluster.Cluster.Load;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Hands decisions to the store, with their time.</summary>
internal sealed class DecisionJournal(Action<Decision> store, TimeProvider time) : IDecisionLog
{
    public void Add(string model, long epoch, string kind, string subject, string reason, params (string Name, double Value)[] numbers)
    {
        var plan = subject.StartsWith("plan-", StringComparison.Ordinal) ? subject.Split('/')[0] : null;
        var json = new JsonObject(numbers.Select(n => KeyValuePair.Create(n.Name, (JsonNode?)(double.IsFinite(n.Value) ? n.Value : 0))));
        store(new Decision(0, time.GetUtcNow(), model, epoch, kind, subject, reason, json.ToJsonString()) { Plan = plan });
    }
}
