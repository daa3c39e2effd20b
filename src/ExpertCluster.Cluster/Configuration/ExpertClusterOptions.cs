namespace ExpertCluster.Cluster.Configuration;

/// <summary>Everything a node can be told, bound from the section <c>ExpertCluster</c> of its configuration.</summary>
public sealed class ExpertClusterOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "ExpertCluster";

    /// <summary>Who this node is and whom it joins.</summary>
    public NodeOptions Node { get; set; } = new();

    /// <summary>What its experts may use.</summary>
    public ExpertHostOptions Experts { get; set; } = new();

    /// <summary>How it serves clients.</summary>
    public GatewayOptions Gateway { get; set; } = new();

    /// <summary>How its routers send rows.</summary>
    public RouterOptions Router { get; set; } = new();

    /// <summary>How experts are given to nodes.</summary>
    public BalancerOptions Balancer { get; set; } = new();

    /// <summary>How load is measured.</summary>
    public LoadOptions Load { get; set; } = new();

    /// <summary>When experts move, and how fast.</summary>
    public RebalanceOptions Rebalance { get; set; } = new();

    /// <summary>What the balancer remembers, and where.</summary>
    public StoreOptions Store { get; set; } = new();

    /// <summary>How tensors travel.</summary>
    public LaneOptions Lane { get; set; } = new();

    /// <summary>The models to serve; the same names on every node.</summary>
    public IList<ModelOptions> Models { get; set; } = [];

    /// <summary>Whether this node answers clients.</summary>
    public bool IsGateway => Node.EffectiveRoles.Contains(NodeOptions.GatewayRole);

    /// <summary>Whether this node holds experts.</summary>
    public bool HoldsExperts => Node.EffectiveRoles.Contains(NodeOptions.ExpertRole);

    /// <summary>What is wrong, a line each with key, value and what is allowed; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionsErrors();
        Node.Validate(errors);
        Experts.Validate(errors);
        Gateway.Validate(errors);
        Router.Validate(errors);
        Balancer.Validate(errors);
        Rebalance.Validate(errors);
        Load.Validate(errors, IsGateway);
        Store.Validate(errors);
        Lane.Validate(errors);
        for (var i = 0; i < Models.Count; i++)
        {
            Models[i].Validate(errors, i);
        }

        foreach (var twice in Models.GroupBy(m => m.EffectiveName, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            errors.Add("Models", twice.Key, "two models of this name; give each its own Name");
        }

        return errors.Messages;
    }
}
