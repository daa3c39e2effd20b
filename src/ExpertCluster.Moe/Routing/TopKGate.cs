using System.Numerics.Tensors;
using ExpertCluster.Tensors;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// The gate of Mixtral: softmax in float32 over all experts, the k most probable, weights renormalised to sum to 1
/// (Jiang et al. 2024, "Mixtral of Experts", arXiv:2401.04088, section 2.1). Equal logits go to the lower index.
/// </summary>
public sealed class TopKGate : IDisposable
{
    private readonly Tensor _weight;

    /// <summary>Creates a gate that owns its weight.</summary>
    /// <param name="weight">Float32 [E,H], detached from any dispose scope.</param>
    /// <param name="experts">Number of experts E.</param>
    /// <param name="topK">Experts per token, 1 to E.</param>
    /// <param name="renormalise">Whether the chosen weights are scaled to sum to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="topK"/> is not in 1 … <paramref name="experts"/>.</exception>
    public TopKGate(Tensor weight, int experts, int topK, bool renormalise = true)
    {
        CheckSizes(experts, topK);
        _weight = weight;
        Experts = experts;
        TopK = topK;
        Renormalise = renormalise;
    }

    /// <summary>Number of experts E.</summary>
    public int Experts { get; }

    /// <summary>Experts per token k.</summary>
    public int TopK { get; }

    /// <summary>Whether the chosen weights are scaled to sum to 1.</summary>
    public bool Renormalise { get; }

    /// <summary>Routes a batch. Call on the executor's thread.</summary>
    /// <param name="rows">Float32 [T,H] on the weight's device.</param>
    /// <param name="tokens">T.</param>
    /// <param name="logits">Receives the router logits [T,E] as float32, row-major.</param>
    /// <exception cref="NotFiniteNumberException">A logit is NaN or infinite.</exception>
    public RoutingDecision Forward(Tensor rows, int tokens, out float[] logits)
    {
        using Tensor scores = nn.functional.linear(rows, _weight);
        logits = new float[tokens * Experts];
        TensorMemory.CopyTo(scores, logits);
        return Route(logits, tokens, Experts, TopK, Renormalise);
    }

    /// <summary>The decision that follows from router logits; pure arithmetic on the host.</summary>
    /// <param name="logits">[T,E], row-major.</param>
    /// <param name="tokens">T.</param>
    /// <param name="experts">E.</param>
    /// <param name="topK">k, 1 to E.</param>
    /// <param name="renormalise">Whether the chosen weights are scaled to sum to 1.</param>
    /// <exception cref="ArgumentException">The lengths don't fit together.</exception>
    /// <exception cref="NotFiniteNumberException">A logit is NaN or infinite.</exception>
    public static RoutingDecision Route(ReadOnlySpan<float> logits, int tokens, int experts, int topK, bool renormalise)
    {
        CheckSizes(experts, topK);
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        if (logits.Length != (long)tokens * experts)
        {
            throw new ArgumentException($"{logits.Length} logits are not {tokens} tokens × {experts} experts.", nameof(logits));
        }

        var chosen = new int[tokens * topK];
        var weights = new float[tokens * topK];
        Span<float> probabilities = experts <= 1024 ? stackalloc float[experts] : new float[experts];
        Span<bool> taken = experts <= 1024 ? stackalloc bool[experts] : new bool[experts];
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> row = logits.Slice(token * experts, experts);
            float max = TensorPrimitives.Max(row);
            if (!float.IsFinite(max))
            {
                throw new NotFiniteNumberException($"The router logits of row {token} are not finite; are the weights or inputs damaged?", max);
            }

            TensorPrimitives.Subtract(row, max, probabilities);
            TensorPrimitives.Exp(probabilities, probabilities);
            TensorPrimitives.Divide(probabilities, TensorPrimitives.Sum<float>(probabilities), probabilities);
            Span<int> picks = chosen.AsSpan(token * topK, topK);
            Pick(row, taken, picks);
            Span<float> picked = weights.AsSpan(token * topK, topK);
            for (int choice = 0; choice < topK; choice++)
            {
                picked[choice] = probabilities[picks[choice]];
            }

            if (renormalise)
            {
                TensorPrimitives.Divide(picked, TensorPrimitives.Sum<float>(picked), picked);
            }
        }

        return new RoutingDecision(tokens, topK, chosen, weights);
    }

    /// <summary>Frees the weight.</summary>
    public void Dispose() => _weight.Dispose();

    // By logits: softmax keeps their order, and equal ones stay equal whatever the processor's exp does.
    private static void Pick(ReadOnlySpan<float> logits, Span<bool> taken, Span<int> experts)
    {
        taken.Clear();
        for (int choice = 0; choice < experts.Length; choice++)
        {
            int best = -1;
            for (int expert = 0; expert < logits.Length; expert++)
            {
                if (!taken[expert] && (best < 0 || logits[expert] > logits[best]))
                {
                    best = expert;
                }
            }

            experts[choice] = best;
            taken[best] = true;
        }
    }

    private static void CheckSizes(int experts, int topK)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        if (topK < 1 || topK > experts)
        {
            throw new ArgumentOutOfRangeException(nameof(topK), topK, $"A token can go to 1 to {experts} of {experts} experts, not to {topK}.");
        }
    }
}
