namespace ExpertCluster.Moe;

/// <summary>
/// What a gate decided for a batch: which experts take each token, with which weight. A <i>slot</i> is one (token, choice) pair;
/// its flat index is <c>token * TopK + choice</c>.
/// </summary>
/// <param name="Tokens">Number of tokens T.</param>
/// <param name="TopK">Experts per token k.</param>
/// <param name="Experts">Expert of each slot, [T·k], each token's choices in descending order of probability.</param>
/// <param name="Weights">Weight of each slot's output in the sum, [T·k].</param>
public sealed record RoutingDecision(int Tokens, int TopK, int[] Experts, float[] Weights)
{
    /// <summary>Number of slots, T·k.</summary>
    public int Slots => Tokens * TopK;

    /// <summary>
    /// The decision where some slots have no answer: each token's other weights grow in proportion until their sum is what it was, and those of lost slots are 0.
    /// The rule of hivemind's <c>RemoteMixtureOfExperts</c> (Ryabinin and Gusev, arXiv:2002.04013), whose softmax is over the experts that answered.
    /// </summary>
    /// <param name="lost">Which slots, [T·k].</param>
    /// <exception cref="ArgumentException">The length does not fit, or a token has nothing left; see <see cref="CanLose"/>.</exception>
    public RoutingDecision Without(ReadOnlySpan<bool> lost)
    {
        if (lost.Length != Slots || Weights.Length != Slots)
        {
            throw new ArgumentException($"{lost.Length} marks for {Weights.Length} weights do not fit {Tokens} tokens × {TopK} experts.", nameof(lost));
        }

        float[] weights = [.. Weights];
        for (int token = 0; token < Tokens; token++)
        {
            if (!lost.Slice(token * TopK, TopK).Contains(true))
            {
                continue;
            }

            (double all, double left) = Sums(token, lost);
            if (!IsEnough(all, left))
            {
                throw new ArgumentException($"Token {token} has no weight left.", nameof(lost));
            }

            double growth = all > 0 ? all / left : 1;
            for (int slot = token * TopK; slot < (token + 1) * TopK; slot++)
            {
                weights[slot] = lost[slot] ? 0 : (float)(weights[slot] * growth);
            }
        }

        return this with { Weights = weights };
    }

    /// <summary>Whether a token has an expert, and weight, left without some slots.</summary>
    /// <param name="token">The token.</param>
    /// <param name="lost">Which slots, [T·k].</param>
    public bool CanLose(int token, ReadOnlySpan<bool> lost)
    {
        if (!lost.Slice(token * TopK, TopK).Contains(false))
        {
            return false;
        }

        (double all, double left) = Sums(token, lost);
        return IsEnough(all, left);
    }

    private static bool IsEnough(double all, double left) => left > 0 || all <= 0;

    private (double All, double Left) Sums(int token, ReadOnlySpan<bool> lost)
    {
        (double all, double left) = (0, 0);
        for (int slot = token * TopK; slot < (token + 1) * TopK; slot++)
        {
            all += Weights[slot];
            left += lost[slot] ? 0 : Weights[slot];
        }

        return (all, left);
    }
}
