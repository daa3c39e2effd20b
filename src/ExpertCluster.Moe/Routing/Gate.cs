using TorchSharp;
using static TorchSharp.torch;

namespace ExpertCluster.Moe.Routing;

/// <summary>Decides which experts take which tokens. A module: its parameters are the routers'. Not for concurrent use.</summary>
public abstract class Gate : nn.Module
{
    /// <summary>Creates one.</summary>
    /// <param name="name">The module's name.</param>
    /// <param name="experts">E, at least 1.</param>
    protected Gate(string name, int experts)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        Experts = experts;
    }

    /// <summary>Number of experts E.</summary>
    public int Experts { get; }

    /// <summary>How the gate learns.</summary>
    public abstract GradientKind Gradient { get; }

    /// <summary>Decides. Call on the thread that owns the device; results lie in the current dispose scope.</summary>
    /// <exception cref="ArgumentException">Rows of another shape than the router's.</exception>
    /// <exception cref="NotFiniteNumberException">A logit is NaN or +∞, or all of a row's are −∞.</exception>
    /// <exception cref="InvalidOperationException">A policy draws at random and the context has no generator.</exception>
    public GateResult Route(GateInput input, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(context);
        context.CheckPrecision();
        using DisposeScope scope = NewDisposeScope();
        return RouteCore(input, context).KeepBeyond(scope);
    }

    /// <summary>The decision; everything made on the way is freed by the caller.</summary>
    protected abstract GateResult RouteCore(GateInput input, RoutingContext context);
}
