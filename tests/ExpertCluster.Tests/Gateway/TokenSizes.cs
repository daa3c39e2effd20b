using ExpertCluster.Cluster.Gateway;

namespace ExpertCluster.Tests.Gateway;

/// <summary>A byte for each token, the source's included.</summary>
internal sealed class TokenSizes : ICacheSizes
{
    public long Longest(GatewayCall call) => call.LongestLength + call.Source.Count;

    public long AtStart(GatewayCall call) => call.Tokens.Count + call.Source.Count;

    public long After(GatewayCall call, int tokens) => call.Fed + tokens + call.Source.Count;
}
