using static TorchSharp.torch;

namespace ExpertCluster.Moe.Routing;

/// <summary>Tokens choose experts: a linear router and a <see cref="RoutingPolicy"/>.</summary>
public sealed class TokenChoiceGate : Gate
{
    private readonly LinearRouter _router;

    /// <summary>Creates a gate that owns its router, and the scoring policy where that is a module.</summary>
    /// <param name="name">The module's name.</param>
    /// <param name="router">Its router.</param>
    /// <param name="policy">What follows.</param>
    /// <param name="gradient">How it learns.</param>
    public TokenChoiceGate(string name, LinearRouter router, RoutingPolicy policy, GradientKind gradient = GradientKind.Exact)
        : base(name, router?.Experts ?? 0)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(policy);
        (_router, Policy, Gradient) = (router, policy, gradient);
        register_module("router", router);
        if (policy.Score is nn.Module scores)
        {
            register_module("scores", scores);
        }
    }

    /// <summary>The router.</summary>
    public LinearRouter Router => _router;

    /// <summary>The policy; may be replaced between batches.</summary>
    public RoutingPolicy Policy { get; set; }

    /// <inheritdoc/>
    public override GradientKind Gradient { get; }

    /// <inheritdoc/>
    protected override GateResult RouteCore(GateInput input, RoutingContext context) => Policy.Route(_router.Forward(input.Rows, context), context);
}
