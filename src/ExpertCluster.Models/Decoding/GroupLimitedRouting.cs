using System.Numerics.Tensors;
using ExpertCluster.Moe;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// The gates of DeepSeek-V2 (arXiv:2405.04434, section 2.2.2: softmax, a group as good as its best) and DeepSeek-V3
/// (arXiv:2412.19437, section 2.1.2: sigmoid, a correction that counts for choosing only, a group as good as its two best). Experts
/// of groups not kept can never be chosen, not even where corrected scores are negative.
/// </summary>
internal static class GroupLimitedRouting
{
    // Of deepseek-ai/DeepSeek-V3, inference/model.py as published on the hub.
    private const float Tiny = 1e-20f;

    public static RoutingDecision Route(ReadOnlySpan<float> logits, int tokens, RouterRule rule, float[]? correction)
    {
        int experts = rule.Experts;
        if (logits.Length != (long)tokens * experts)
        {
            throw new ArgumentException($"{logits.Length} logits are not {tokens} tokens × {experts} experts.", nameof(logits));
        }

        var chosen = new int[tokens * rule.TopK];
        var weights = new float[chosen.Length];
        var scores = new float[experts];
        var choice = new float[experts];
        var groups = new float[rule.Groups];
        var kept = new int[rule.TopGroups];
        for (int token = 0; token < tokens; token++)
        {
            Score(logits.Slice(token * experts, experts), rule.Sigmoid, scores, token);
            scores.CopyTo(choice, 0);
            if (correction is not null)
            {
                TensorPrimitives.Add(choice, correction, choice);
            }

            Limit(choice, groups, kept, rule);
            Span<int> picks = chosen.AsSpan(token * rule.TopK, rule.TopK);
            Pick(choice, picks);
            Span<float> picked = weights.AsSpan(token * rule.TopK, rule.TopK);
            for (int i = 0; i < picks.Length; i++)
            {
                picked[i] = scores[picks[i]];
            }

            if (rule.Normalise)
            {
                TensorPrimitives.Divide(picked, TensorPrimitives.Sum<float>(picked) + Tiny, picked);
            }

            TensorPrimitives.Multiply(picked, (float)rule.Scale, picked);
        }

        return new RoutingDecision(tokens, rule.TopK, chosen, weights);
    }

    private static void Score(ReadOnlySpan<float> logits, bool sigmoid, Span<float> scores, int token)
    {
        if (TensorPrimitives.IndexOfMaxMagnitude(logits) is var largest && !float.IsFinite(logits[largest]))
        {
            throw new NotFiniteNumberException(
                $"The router logits of row {token} are not finite; are the weights or inputs damaged?", logits[largest]);
        }

        if (sigmoid)
        {
            TensorPrimitives.Sigmoid(logits, scores);
        }
        else
        {
            TensorPrimitives.SoftMax(logits, scores);
        }
    }

    private static void Limit(Span<float> choice, Span<float> groups, Span<int> kept, RouterRule rule)
    {
        if (rule.TopGroups == rule.Groups)
        {
            return;
        }

        int size = choice.Length / groups.Length;
        for (int group = 0; group < groups.Length; group++)
        {
            Span<float> members = choice.Slice(group * size, size);
            int best = TensorPrimitives.IndexOfMax(members);
            groups[group] = members[best];
            if (rule.GroupByTwoBest && size > 1)
            {
                float second = float.NegativeInfinity;
                for (int i = 0; i < size; i++)
                {
                    second = i != best && members[i] > second ? members[i] : second;
                }

                groups[group] += second;
            }
        }

        Pick(groups, kept);
        for (int group = 0; group < groups.Length; group++)
        {
            if (!kept.Contains(group))
            {
                choice.Slice(group * size, size).Fill(float.NegativeInfinity);
            }
        }
    }

    /// <summary>Indexes of the largest, in descending order; equal ones by index. What is picked becomes NaN.</summary>
    private static void Pick(Span<float> scores, Span<int> picks)
    {
        for (int i = 0; i < picks.Length; i++)
        {
            int best = -1;
            for (int j = 0; j < scores.Length; j++)
            {
                if (!float.IsNaN(scores[j]) && (best < 0 || scores[j] > scores[best]))
                {
                    best = j;
                }
            }

            picks[i] = best;
            scores[best] = float.NaN;
        }
    }
}
