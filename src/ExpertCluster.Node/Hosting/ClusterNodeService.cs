using Akka.Actor;
using ExpertCluster.Cluster.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ExpertCluster.Node.Hosting;

/// <summary>Starts the node's part of the cluster once its actor system runs; when the host stops, its experts move to
/// other nodes, and then the actor system leaves the cluster.</summary>
internal sealed class ClusterNodeService(IServiceProvider services, ClusterRuntime runtime) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) =>
        runtime.StartAsync(services.GetRequiredService<ActorSystem>(), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => runtime.DrainAsync(cancellationToken);
}
