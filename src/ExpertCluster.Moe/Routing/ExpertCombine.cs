using System.Numerics.Tensors;

namespace ExpertCluster.Moe;

/// <summary>Puts the experts' answers back together.</summary>
public static class ExpertCombine
{
    /// <summary>
    /// Each token's sum of its slots' rows times their weights, always in slot order, so that the result does not depend on which
    /// expert answered first.
    /// </summary>
    /// <param name="slotRows">The experts' outputs, [T·k,H], row <c>token·k + choice</c>.</param>
    /// <param name="d">The decision the rows belong to.</param>
    /// <param name="hidden">H.</param>
    /// <param name="output">Receives [T,H].</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public static void WeightedSum(ReadOnlySpan<float> slotRows, RoutingDecision d, int hidden, Span<float> output)
    {
        ArgumentNullException.ThrowIfNull(d);
        ArgumentOutOfRangeException.ThrowIfLessThan(hidden, 1);
        if (slotRows.Length != (long)d.Slots * hidden || output.Length != (long)d.Tokens * hidden || d.Weights.Length != d.Slots)
        {
            throw new ArgumentException(
                $"{slotRows.Length} values in and {output.Length} out do not fit {d.Tokens} tokens × {d.TopK} experts × {hidden}.");
        }

        for (int token = 0; token < d.Tokens; token++)
        {
            Span<float> sum = output.Slice(token * hidden, hidden);
            int slot = token * d.TopK;
            TensorPrimitives.Multiply(slotRows.Slice(slot * hidden, hidden), d.Weights[slot], sum);
            for (int last = slot + d.TopK - 1; slot < last;)
            {
                slot++;
                TensorPrimitives.MultiplyAdd(slotRows.Slice(slot * hidden, hidden), d.Weights[slot], sum, sum);
            }
        }
    }
}
