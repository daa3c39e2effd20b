using System.Globalization;
using Akka.Cluster.Sharding;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Sharding;

/// <summary>
/// One sharding type per model layer; replica = entity = shard. (A single type for all replicas would put every shard into one coordinator
/// record, which outgrows a frame at some 2,000.)
/// </summary>
public sealed class ReplicaShards : IMessageExtractor
{
    /// <summary>The only instance that is needed.</summary>
    public static ReplicaShards Instance { get; } = new();

    /// <summary>Name of the sharding type of a layer.</summary>
    public static string TypeName(string model, int layer) => string.Create(CultureInfo.InvariantCulture, $"{model}-L{layer:00}");

    /// <inheritdoc/>
    public string? EntityId(object message) => message switch
    {
        StartReplica start => start.Replica.ToString(),
        RetireReplica retire => retire.Replica.ToString(),
        _ => null,
    };

    /// <inheritdoc/>
    public object EntityMessage(object message) => message;

    /// <inheritdoc/>
    public string? ShardId(object message) => EntityId(message);

    /// <inheritdoc/>
    public string ShardId(string entityId, object? messageHint = null) => entityId;
}
