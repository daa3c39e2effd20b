using System.Buffers;
using System.Numerics.Tensors;

namespace ExpertCluster.Models.Generation;

/// <summary>Chooses the next token: greedy, or temperature → top-k → top-p → one draw. Stateless and safe for concurrent use.</summary>
public static class TokenSampler
{
    /// <summary>Up to this many candidates are sorted by id; more are found by a pass over the vocabulary.</summary>
    private const int SortedPick = 4096;

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">Logits of one position, <c>[V]</c>, float32; minus infinity marks a token that cannot be chosen.</param>
    /// <param name="options">How to choose; valid (<see cref="SamplingOptions.Validate"/>).</param>
    /// <param name="position">Position of the chosen token in its sequence; with the seed it fixes the draw (<see cref="CounterRandom"/>).</param>
    /// <returns>The token id. Among equal logits the lower id counts as the more likely.</returns>
    /// <exception cref="InvalidLogitsException">A logit is NaN or plus infinity, or all are minus infinity.</exception>
    /// <exception cref="ArgumentException">There are no logits.</exception>
    public static int Sample(ReadOnlySpan<float> logits, SamplingOptions options, long position)
    {
        if (logits.IsEmpty) throw new ArgumentException("There are no logits.", nameof(logits));
        float max = TensorPrimitives.Max(logits);
        if (!float.IsFinite(max)) throw Unusable(logits, position);
        return options.Temperature == 0 || options.TopK == 1 ? logits.IndexOf(max) : Draw(logits, max, options, position);
    }

    private static int Draw(ReadOnlySpan<float> logits, float max, SamplingOptions options, long position)
    {
        var weights = ArrayPool<float>.Shared.Rent(logits.Length);
        ulong[]? keys = null;
        try
        {
            // Weights are softmax without the division: exp((logit − max) / T), 1 for the likeliest token.
            var weight = weights.AsSpan(0, logits.Length);
            TensorPrimitives.Subtract(logits, max, weight);
            TensorPrimitives.Divide(weight, options.Temperature, weight);
            TensorPrimitives.Exp(weight, weight);
            bool topK = options.TopK > 0 && options.TopK < logits.Length;
            if (!topK && options.TopP >= 1) return PickAny(weight, options, position);

            keys = ArrayPool<ulong>.Shared.Rent(logits.Length);
            double total;
            Span<ulong> candidates;
            ulong least = 0;
            if (topK)
            {
                candidates = keys.AsSpan(0, LogitOrder.All(logits, keys));
                least = LogitOrder.LeastReaching(candidates, [], options.TopK);
                candidates = LogitOrder.NotBelow(candidates, least);
                total = LogitOrder.Mass(candidates, weight);
            }
            else
            {
                total = 0;
                foreach (float one in weight) total += one;
                candidates = keys.AsSpan(0, LogitOrder.Likely(logits, weight, total, options.TopP, keys));
            }

            if (options.TopP < 1) least = LogitOrder.LeastReaching(candidates, weight, options.TopP * total);
            return Pick(LogitOrder.NotBelow(candidates, least), weight, options, position);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(weights);
            if (keys is not null) ArrayPool<ulong>.Shared.Return(keys);
        }
    }

    // Walks the ids in order, whatever order the selection left: then logits that differ in their last bits, as those of another
    // device do, all but always draw the same token.
    private static int Pick(Span<ulong> keys, Span<float> weights, SamplingOptions options, long position)
    {
        if (keys.Length <= SortedPick)
        {
            for (int i = 0; i < keys.Length; i++) keys[i] = (uint)LogitOrder.IdOf(keys[i]);
            keys.Sort();
            double mass = 0;
            foreach (ulong id in keys) mass += weights[(int)id];
            double target = CounterRandom.Uniform(options.Seed, position) * mass, sum = 0;
            foreach (ulong id in keys)
            {
                sum += weights[(int)id];
                if (sum > target) return (int)id;
            }

            return (int)keys[^1];
        }

        // Many: mark those that stay by their sign and drop the others, rather than sort.
        foreach (ulong key in keys) weights[LogitOrder.IdOf(key)] *= -1;
        for (int id = 0; id < weights.Length; id++) weights[id] = weights[id] < 0 ? -weights[id] : 0;
        return PickAny(weights, options, position);
    }

    private static int PickAny(ReadOnlySpan<float> weights, SamplingOptions options, long position)
    {
        double total = 0;
        foreach (float weight in weights) total += weight;
        double target = CounterRandom.Uniform(options.Seed, position) * total, sum = 0;
        int last = 0;
        for (int id = 0; id < weights.Length; id++)
        {
            if (weights[id] == 0) continue;
            last = id;
            sum += weights[id];
            if (sum > target) return id;
        }

        return last;
    }

    private static InvalidLogitsException Unusable(ReadOnlySpan<float> logits, long position)
    {
        for (int id = 0; id < logits.Length; id++)
            if (float.IsNaN(logits[id]) || float.IsPositiveInfinity(logits[id]))
                return new(FormattableString.Invariant($"The logit of token {id} at position {position} is {logits[id]}; check the weights of the model."));
        return new(FormattableString.Invariant($"All {logits.Length} logits at position {position} are minus infinity; no token can be chosen."));
    }
}
