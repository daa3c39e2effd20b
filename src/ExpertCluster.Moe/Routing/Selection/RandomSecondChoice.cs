using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Top-2, the second used with probability min(1, g₂/threshold), decided before capacity: a skipped second choice takes no slot.
/// GShard's rule <c>2·g₂ &gt; U(0,1)</c> is threshold 0.5 (Lepikhin et al. 2020, arXiv:2006.16668, algorithm 1); mesh-TF and ST-MoE
/// use 0.2. g₂ is normalised by g₁+g₂ first.
/// </summary>
public sealed class RandomSecondChoice : ISelectionPolicy
{
    private readonly TopKChoices _two = new(2);

    /// <summary>Creates the rule.</summary>
    /// <param name="threshold">Above 0.</param>
    public RandomSecondChoice(double threshold)
    {
        Threshold = threshold > 0 ? threshold : throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "Must be above 0.");
    }

    /// <summary>The g₂ from which on the second expert is always used.</summary>
    public double Threshold { get; }

    /// <summary>
    /// Whether the rule also holds in evaluation, as mesh-TF has it by default (the papers are silent), and evaluation needs a generator;
    /// otherwise the second expert is always used there.
    /// </summary>
    public bool InEvaluation { get; init; } = true;

    /// <inheritdoc/>
    public ExpertSelection Select(RouterScores scores, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        ExpertSelection two = _two.Select(scores, context);
        if (!context.Training && !InEvaluation)
        {
            return two;
        }

        using var _ = no_grad();
        Tensor second = two.Gates.narrow(1, 1, 1) / (two.Gates.sum(1, keepdim: true) + 1e-9);
        Tensor draw = rand(second.shape, dtype: second.dtype, device: second.device, generator: context.Draw("The random second expert"));
        Tensor use = (second / Threshold).gt(draw);
        return two with { Wanted = cat([ones_like(use), use], 1) };
    }
}
