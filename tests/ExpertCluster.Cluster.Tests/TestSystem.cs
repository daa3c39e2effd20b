using Akka.Actor;
using Akka.Configuration;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Hosting;

namespace ExpertCluster.Cluster.Tests;

/// <summary>An actor system with the configuration of a node, on a free loopback port.</summary>
internal static class TestSystem
{
    public static ActorSystem Start(string overrides = "") => ActorSystem.Create(
        AkkaConfiguration.SystemName,
        ConfigurationFactory.ParseString(overrides + "\nakka.loglevel = OFF\nakka.stdout-loglevel = OFF")
            .WithFallback(AkkaConfiguration.Build(new NodeOptions())));
}
