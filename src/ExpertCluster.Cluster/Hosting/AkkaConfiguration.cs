using System.Globalization;
using Akka.Configuration;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Faults;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>The HOCON of a node: its options, then the file it names, then our defaults, then Akka's.</summary>
public static class AkkaConfiguration
{
    /// <summary>Name of the actor system; the same on all nodes of a cluster.</summary>
    public const string SystemName = "expertcluster";

    /// <summary>Builds the configuration.</summary>
    /// <param name="options">The node.</param>
    /// <param name="faults">Whether its control connection can be cut, for a drill.</param>
    /// <exception cref="ConfigurationException">The file of <see cref="NodeOptions.AkkaConfig"/> is no HOCON.</exception>
    public static Config Build(NodeOptions options, bool faults = false)
    {
        var own = ConfigurationFactory.ParseString(string.Create(CultureInfo.InvariantCulture, $$"""
            akka.remote.dot-netty.tcp.hostname = "{{options.Host}}"
            akka.remote.dot-netty.tcp.port = {{options.Port}}
            akka.cluster.roles = [{{string.Join(", ", options.EffectiveRoles)}}]
            {{(faults ? FaultSwitches.Hocon : "")}}
            """));
        if (options.AkkaConfig is { } file)
        {
            try
            {
                own = own.WithFallback(ConfigurationFactory.ParseString(File.ReadAllText(file)));
            }
            catch (Exception e) when (e is not IOException)
            {
                throw new ConfigurationException($"{file}: {e.Message}", e);
            }
        }

        return own.WithFallback(ConfigurationFactory.ParseString(Defaults()));
    }

    private static string Defaults()
    {
        using var stream = typeof(AkkaConfiguration).Assembly.GetManifestResourceStream("akka/expertcluster.conf")
            ?? throw new InvalidOperationException("The resource akka/expertcluster.conf is missing from this build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
