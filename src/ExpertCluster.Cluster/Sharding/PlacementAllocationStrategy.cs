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
    /// <summary>How long an allocation waits for its placement to arrive here; the region asks again afterwards.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

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
                return currentShardAllocations.Keys.FirstOrDefault(region => AddressOf(region) == placed.Node.Address)
                    ?? throw new InvalidOperationException(
                        $"{_model} {replica} is placed on {placed.Node}, whose shard region is not registered (yet).");
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

    /// <inheritdoc/>
    public Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress) =>
        Task.FromResult<IImmutableSet<string>>(ImmutableHashSet<string>.Empty);

    /// <summary>The region of this very node has a path without a host.</summary>
    private string AddressOf(IActorRef region) => (region.Path.Address.HasLocalScope ? _self : region.Path.Address).ToString();
}
