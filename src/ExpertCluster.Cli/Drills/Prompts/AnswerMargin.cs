using System.Numerics.Tensors;

namespace ExpertCluster.Cli.Drills.Prompts;

/// <summary>
/// How clearly a greedy choice was made. Where the two highest logits nearly tie, rounding decides, and an answer that differs says nothing
/// about a cluster: such prompts are left out.
/// </summary>
internal static class AnswerMargin
{
    /// <summary>The least margin at every generated position.</summary>
    public const float Least = 1e-3f;

    /// <summary>The distance between the two highest of these logits; infinity where there is only one.</summary>
    /// <param name="logits">Of one position, <c>[V]</c>, at least one.</param>
    public static float Of(ReadOnlySpan<float> logits)
    {
        var highest = TensorPrimitives.IndexOfMax(logits);
        var second = float.NegativeInfinity;
        for (var i = 0; i < logits.Length; i++)
        {
            if (i != highest && logits[i] > second)
            {
                second = logits[i];
            }
        }

        return logits[highest] - second;
    }

    /// <summary>The prompts that a cluster can be judged by, in their order.</summary>
    public static IReadOnlyList<VerifiedPrompt> Keep(IEnumerable<VerifiedPrompt> prompts) => [.. prompts.Where(p => p.Margin >= Least)];
}
