namespace ExpertCluster.Contracts;

/// <summary>What the balancer says to a <see cref="BalancerQuery"/>.</summary>
/// <param name="IsOk">Whether it was done or answered.</param>
/// <param name="Body">UTF-8: a JSON object, or where it was not done the reason in words.</param>
public sealed record BalancerReply(bool IsOk, ReadOnlyMemory<byte> Body) : IClusterMessage
{
    /// <summary>The most bytes of a body: an answer must fit into a frame of the control connection.</summary>
    public const int MaxBody = 96 * 1024;
}
