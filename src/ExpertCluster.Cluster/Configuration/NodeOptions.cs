namespace ExpertCluster.Cluster.Configuration;

/// <summary>Who this node is and whom it joins.</summary>
public sealed class NodeOptions
{
    /// <summary>Role of a node that answers clients.</summary>
    public const string GatewayRole = "gateway";

    /// <summary>Role of a node that holds experts; the oldest of them also runs the balancer.</summary>
    public const string ExpertRole = "expert";

    /// <summary>All roles there are.</summary>
    public static IReadOnlyList<string> KnownRoles { get; } = [GatewayRole, ExpertRole];

    /// <summary>Host name or address that other nodes reach this one at. Default 127.0.0.1.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>Port of the control connection; 0 (default) takes a free one, which only works for nodes nobody lists as seed.</summary>
    public int Port { get; set; }

    /// <summary>What this node does. Default: everything.</summary>
    public IList<string> Roles { get; set; } = [];

    /// <summary><c>HOST:PORT</c> of nodes to join through, the same list on every node; its first one forms a new cluster.
    /// Empty (default): this node forms a cluster of its own.</summary>
    public IList<string> Seeds { get; set; } = [];

    /// <summary>How long joining may take before the node gives up. 1 s to 1 h, default 60 s.</summary>
    public TimeSpan JoinTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a node that was cut off from the majority of the cluster goes on telling clients so, before its process ends; 0 to 1 min,
    /// default 5 s.</summary>
    public TimeSpan CutOffLinger { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a node that is told to stop waits for its experts to move to others before it leaves. 0 (leave at once) to 1 h, default 60 s:
    /// half of the grace period that the Kubernetes manifests give.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>A HOCON file whose settings go before the defaults; none by default.</summary>
    public string? AkkaConfig { get; set; }

    /// <summary>The roles in force.</summary>
    public IReadOnlyList<string> EffectiveRoles => Roles.Count == 0 ? KnownRoles : [.. Roles.Distinct(StringComparer.Ordinal)];

    internal void Validate(OptionsErrors errors)
    {
        errors.NotEmpty("Node:Host", Host);
        errors.Range("Node:Port", Port, 0, 65535);
        errors.Range("Node:JoinTimeout", JoinTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        errors.Range("Node:CutOffLinger", CutOffLinger, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        errors.Range("Node:DrainTimeout", DrainTimeout, TimeSpan.Zero, TimeSpan.FromHours(1));
        foreach (var role in Roles)
        {
            if (!KnownRoles.Contains(role))
            {
                errors.Add("Node:Roles", role, $"unknown role; the roles are {string.Join(" and ", KnownRoles)}");
            }
        }

        foreach (var seed in Seeds)
        {
            errors.HostPort("Node:Seeds", seed);
        }

        if (AkkaConfig is not null && !File.Exists(AkkaConfig))
        {
            errors.Add("Node:AkkaConfig", AkkaConfig, "no such file");
        }
    }
}
