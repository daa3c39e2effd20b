using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// One expert per token, drawn from the probabilities in training and the most probable in evaluation (Cho and Bengio 2014,
/// "Exponentially Increasing the Capacity-to-Computation Ratio for Conditional Computation", arXiv:1406.7362).
/// </summary>
/// <param name="stochastic">Whether training draws; false takes the most probable always (hard selection).</param>
public sealed class SampledChoice(bool stochastic = true) : ISelectionPolicy
{
    /// <inheritdoc/>
    public ExpertSelection Select(RouterScores scores, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(context);
        Tensor chosen;
        if (context.Training && stochastic && scores.Tokens > 0)
        {
            using var _ = no_grad();
            // Inverse distribution function: one uniform number per token, and the first expert whose cumulative share exceeds it.
            Tensor cumulative = scores.Probabilities.detach().cumsum(1);
            Tensor draw = rand([scores.Tokens, 1], dtype: cumulative.dtype, device: cumulative.device, generator: context.Draw("A stochastic choice"));
            chosen = searchsorted(cumulative, draw * cumulative.narrow(1, scores.Experts - 1, 1), right: true).clamp_max(scores.Experts - 1);
        }
        else
        {
            chosen = StableOrder.TopK(scores.Ranking, 1);
        }

        Tensor gates = scores.Probabilities.gather(1, chosen);
        return new ExpertSelection(chosen, gates) { LogProbability = gates.squeeze(1).log() };
    }
}
