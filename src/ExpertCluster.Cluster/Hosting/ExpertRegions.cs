using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Singleton;
using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Experts;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Cluster.Sharding;
using ExpertCluster.Contracts;
using ExpertCluster.Moe.Placement;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>What a node with the expert role starts: its candidate for the balancer, and a shard region for each layer of each model.</summary>
internal sealed class ExpertRegions(
    ActorSystem system, ExpertClusterOptions options, IReadOnlyList<HostedModel> models, PlacementBoard board, TimeProvider time, ILoggerFactory logs)
{
    /// <summary>Starts both; experts follow when the balancer says so.</summary>
    public async Task StartAsync(ExpertHost host)
    {
        var balancer = StartBalancer();
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

    private IActorRef StartBalancer()
    {
        var (balancerOptions, rebalance, all, knownPlacements, clock) = (options.Balancer, options.Rebalance, models.ToList(), board, time);
        var log = logs.CreateLogger<BalancerActor>();
        var limits = new MoveLimits(rebalance.MaxConcurrentMoves, rebalance.MaxBytesPerSecond, rebalance.StepTimeout);
        Func<(ClusterBalancer, Rebalancer)> create = () =>
        {
            var balancer = new ClusterBalancer(balancerOptions, limits, all.Select(Placement), NoDecisions.Instance, log);
            return (balancer, new Rebalancer(rebalance, balancerOptions, balancer, NoLoad.Instance, log));
        };
        var props = Props.Create(() => new BalancerActor(balancerOptions, create, knownPlacements, clock, log));
        system.ActorOf(
            ClusterSingletonManager.Props(
                props,
                PoisonPill.Instance,
                ClusterSingletonManagerSettings.Create(system).WithRole(NodeOptions.ExpertRole).WithSingletonName(BalancerActor.SingletonName)),
            "balancer-manager");
        return system.ActorOf(
            ClusterSingletonProxy.Props(
                "/user/balancer-manager",
                ClusterSingletonProxySettings.Create(system).WithRole(NodeOptions.ExpertRole).WithSingletonName(BalancerActor.SingletonName)),
            "balancer-proxy");
    }

    private static ModelPlacement Placement(HostedModel model) => new(
        model.Name, model.Layers, model.Checkpoint.Shape.ExpertsPerLayer, model.Checkpoint.ExpertBytes, model.Checkpoint.Fingerprint)
    {
        Together = model.Checkpoint.Shape.SameIndexTogether
            ? ExpertColocation.SameIndex(model.Layers, model.Checkpoint.Shape.ExpertsPerLayer) : null,
    };
}
