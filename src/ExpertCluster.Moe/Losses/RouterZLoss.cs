using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>Mean over tokens of logsumexp(logits)²: keeps router logits small (Zoph et al. 2022, "ST-MoE", arXiv:2202.08906, equation 5).</summary>
public static class RouterZLoss
{
    /// <summary>Computes it.</summary>
    /// <param name="logits">[T,E].</param>
    /// <param name="real">Bool [T], true for tokens that count (mesh-TF leaves padding out); null for all.</param>
    /// <returns>A scalar; 0 for no tokens.</returns>
    public static Tensor Compute(Tensor logits, Tensor? real = null)
    {
        ArgumentNullException.ThrowIfNull(logits);
        using var scope = NewDisposeScope();
        Tensor squares = logits.logsumexp(-1).pow(2);
        if (real is not null)
        {
            squares = squares.masked_select(real);
        }

        return (squares.sum() / Math.Max(squares.NumberOfElements, 1)).MoveToOuterDisposeScope();
    }
}
