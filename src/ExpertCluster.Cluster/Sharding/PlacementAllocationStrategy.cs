using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Sharding;

/// <summary>
/// Starts each shard on the node that the placement names, and never moves one: replicas move by "add, then retire", which loses nothing,
/// while sharding's own hand-off stops before it starts and drops what it had buffered.
/// </summary>
public sealed class PlacementAllocationStrategy : IShardAllocationStrategy
{
    /// <summary>Shards that are handed off at once when nothing lives in them any more: enough to keep up, few enough not to be felt.</summary>
    private const int MostReleased = 32;

    /// <summary>How long an allocation waits for its placement to arrive here; the region asks again afterwards.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Long after the coordinator has looked whether the task has ended.</summary>
    private static readonly TimeSpan Aside = TimeSpan.FromMilliseconds(50);

    private readonly PlacementBoard _board;
    private readonly string _model;
    private readonly Address _self;
    private readonly TimeProvider _time;

    /// <summary>A strategy that reads this node's board.</summary>
    public PlacementAllocationStrategy(PlacementBoard board, string model, Address self, TimeProvider time)
    {
        _board = board;
        _model = model;
        _self = self;
        _time = time;
    }

    /// <inheritdoc/>
    public async Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        var replica = ReplicaId.Parse(shardId);
        var deadline = _time.GetUtcNow() + Patience;
        while (true)
        {
            var change = _board.NextChange;
            if (_board.Find(_model, replica) is { } placed)
            {
                return currentShardAllocations.Keys.FirstOrDefault(region => AddressOf(region) == placed.Node.Address) ?? await NotNow().ConfigureAwait(false);
            }

            if (IsRetired(replica))
            {
                return await NotNow().ConfigureAwait(false);
            }

            var left = deadline - _time.GetUtcNow();
            if (left <= TimeSpan.Zero)
            {
                throw new InvalidOperationException($"{_model} {replica} is not part of the placement known here.");
            }

            try
            {
                await change.WaitAsync(left, _time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // One more look, then the error above.
            }
        }
    }

    /// <summary>Names the shards whose replica has retired, and no other: the coordinator would remember them for ever.</summary>
    public Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var retired = ImmutableHashSet.CreateBuilder<string>();
        foreach (var shard in currentShardAllocations.Values.SelectMany(shards => shards))
        {
            if (retired.Count < MostReleased && !rebalanceInProgress.Contains(shard)
                && ReplicaId.TryParse(shard, out var replica) && _board.Find(_model, replica) is null && IsRetired(replica))
            {
                retired.Add(shard);
            }
        }

        return Task.FromResult<IImmutableSet<string>>(retired.ToImmutable());
    }

    /// <summary>
    /// "Not now", which the coordinator takes in silence – an error it would log. Nobody waits: for a retired replica it only asks because the shard was handed
    /// off, and a region that has a message for one whose node is not registered (yet, or any more) asks again by itself. It must come from a task that was
    /// still running when the coordinator looked: null from one that had ended throws inside of it, and it never answers again.
    /// </summary>
    private static async Task<IActorRef> NotNow()
    {
        await Task.Delay(Aside).ConfigureAwait(false);
        return null!;
    }

    /// <summary>
    /// Whether a replica that is not part of the placement known here was part of an older one. One that is too new to be known has a number of
    /// at least the epoch before its first publication.
    /// </summary>
    private bool IsRetired(ReplicaId replica) =>
        _board.Routes(_model, replica.Layer) is { } routes && replica.Number < routes.Placement.Epoch;

    /// <summary>The region of this very node has a path without a host.</summary>
    private string AddressOf(IActorRef region) => (region.Path.Address.HasLocalScope ? _self : region.Path.Address).ToString();
}
