namespace ExpertCluster.Contracts;

/// <summary>An operator's question or order to the balancer.</summary>
/// <param name="Verb">What, such as <c>status</c> or <c>suspend</c>.</param>
/// <param name="Arguments">A JSON object, UTF-8.</param>
public sealed record BalancerQuery(string Verb, ReadOnlyMemory<byte> Arguments) : IClusterMessage;
