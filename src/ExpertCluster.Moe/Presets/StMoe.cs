using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>ST-MoE.</summary>
public static class StMoe
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "st-moe",
        Year = 2022,
        Paper = "Zoph et al.: ST-MoE: Designing Stable and Transferable Sparse Expert Models. arXiv:2202.08906",
        Summary = "top-2 with router z-loss",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "2",
            ["second expert"] = "threshold 0.2, training and evaluation",
            ["evaluation"] = "draws the second expert too: RoutingContext.Generator must be set",
            ["capacity"] = "mesh-tf, 1.25 training, 2.0 evaluation",
            ["jitter"] = "0.01",
            ["weights"] = "g/(g1+g2+1e-9) before drops",
            ["load-balancing loss"] = "0.01",
            ["z loss"] = "0.001",
        },
        Differs =
        [
            "Evaluation draws as training does, which is mesh-TF's default for its random policy; RandomSecondChoice.InEvaluation turns that off.",
            "Jitter stays on, though the paper found the z-loss to replace it; RouterOptions.Jitter turns it off.",
            "The second-place loss of mesh-TF is off, as there: LoadBalancingLoss.SecondPlace.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        TokenChoiceGate gate = GShard.Create(
            "st-moe", settings, 0.2, 1.25, 2.0, settings.Router(RouterInit.TruncatedNormal, jitter: 0.01), LossTerm.FirstChoice(0.01), LossTerm.Z(1e-3));
        gate.Policy = gate.Policy with { Capacity = settings.Capacity(CapacityConventions.MeshTf, 1.25, 2.0) };
        return gate;
    }
}
