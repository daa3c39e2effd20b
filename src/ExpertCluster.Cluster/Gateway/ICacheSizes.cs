namespace ExpertCluster.Cluster.Gateway;

/// <summary>What KV caches take, in bytes: whole pages.</summary>
internal interface ICacheSizes
{
    /// <summary>The most that a request's cache can come to.</summary>
    long Longest(GatewayCall call);

    /// <summary>With all tokens known at its start, the encoder's source included.</summary>
    long AtStart(GatewayCall call);

    /// <summary>After a step that adds some tokens; never more than <see cref="Longest"/>.</summary>
    long After(GatewayCall call, int tokens);
}
