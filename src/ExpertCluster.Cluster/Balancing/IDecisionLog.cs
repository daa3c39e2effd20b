namespace ExpertCluster.Cluster.Balancing;

/// <summary>Keeps what the balancer decided, each decision once, with its numbers.</summary>
internal interface IDecisionLog
{
    /// <summary>Notes a decision.</summary>
    /// <param name="model">The model it concerns.</param>
    /// <param name="epoch">The model's epoch when it was made.</param>
    /// <param name="kind">What kind, such as <c>repair</c> or <c>plan</c>.</param>
    /// <param name="subject">What it is about: a node, a replica, a plan.</param>
    /// <param name="reason">Why, in words.</param>
    /// <param name="numbers">What it was based on.</param>
    void Add(string model, long epoch, string kind, string subject, string reason, params (string Name, double Value)[] numbers);
}
