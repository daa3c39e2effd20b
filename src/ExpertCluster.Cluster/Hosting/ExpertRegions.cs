using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Singleton;
using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Experts;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Cluster.Sharding;
using ExpertCluster.Contracts;
using ExpertCluster.Moe.Placement;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>What a node with the expert role starts: its candidate for the balancer, and a shard region for each layer of each model.</summary>
internal sealed class ExpertRegions(
    ActorSystem system, ExpertClusterOptions options, IReadOnlyList<HostedModel> models, PlacementBoard board, LoadParts load, TimeProvider time,
    ILoggerFactory logs)
{
    /// <summary>Starts both; experts follow when the balancer says so.</summary>
    /// <param name="host">This node's experts.</param>
    /// <param name="balancer">The balancer, wherever it runs.</param>
    public async Task StartAsync(ExpertHost host, IActorRef balancer)
    {
        StartBalancer(host.Node);
        var sharding = ClusterSharding.Get(system);
        var settings = ClusterShardingSettings.Create(system).WithRole(NodeOptions.ExpertRole);
        var address = Akka.Cluster.Cluster.Get(system).SelfAddress;
        var log = logs.CreateLogger<ExpertActor>();
        await Task.WhenAll(models.SelectMany(model => model.Layers.Select(layer => sharding.StartAsync(
            ReplicaShards.TypeName(model.Name, layer),
            id => ExpertActor.Props(model, id, host, balancer, log).WithDispatcher(InlineDispatcher.Path),
            settings,
            ReplicaShards.Instance,
            new PlacementAllocationStrategy(board, model.Name, address, time),
            StopReplica.Instance)))).ConfigureAwait(false);
    }

    private void StartBalancer(NodeId self)
    {
        var (balancerOptions, knownPlacements, clock) = (options.Balancer, board, time);
        var log = logs.CreateLogger<BalancerActor>();
        Func<BalancerParts> create = () => Parts(self, log);
        var props = Props.Create(() => new BalancerActor(balancerOptions, create, knownPlacements, clock, log));
        system.ActorOf(
            ClusterSingletonManager.Props(
                props,
                PoisonPill.Instance,
                ClusterSingletonManagerSettings.Create(system).WithRole(NodeOptions.ExpertRole).WithSingletonName(BalancerActor.SingletonName)),
            "balancer-manager");
    }

    private BalancerParts Parts(NodeId self, ILogger log)
    {
        var rebalance = options.Rebalance;
        var keeper = load.Keeper();
        var balancer = new ClusterBalancer(
            options.Balancer, new MoveLimits(rebalance.MaxConcurrentMoves, rebalance.MaxBytesPerSecond, rebalance.StepTimeout), models.Select(Placement),
            new DecisionJournal(keeper.Add, time), log);
        var measured = new MeasuredLoad(
            keeper.Book, rebalance, options.Balancer.Copies, time, model => [.. balancer.Usable(model).Select(n => n.Node)]);
        var rebalancer = new Rebalancer(rebalance, options.Balancer, balancer, measured, log);
        return new BalancerParts(
            balancer, rebalancer, new SlowNodes(rebalance, balancer, measured), keeper,
            new BalancerDesk(self, balancer, rebalancer, measured, () => keeper.Store));
    }

    private static ModelPlacement Placement(HostedModel model) => new(
        model.Name, model.Layers, model.Checkpoint.Shape.ExpertsPerLayer, model.Checkpoint.ExpertBytes, model.Checkpoint.Fingerprint)
    {
        Together = model.Checkpoint.Shape.SameIndexTogether
            ? ExpertColocation.SameIndex(model.Layers, model.Checkpoint.Shape.ExpertsPerLayer) : null,
    };
}
