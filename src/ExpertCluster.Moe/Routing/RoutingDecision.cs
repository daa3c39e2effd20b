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
}
