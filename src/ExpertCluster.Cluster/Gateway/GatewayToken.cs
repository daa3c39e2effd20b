namespace ExpertCluster.Cluster.Gateway;

/// <summary>One step of a generation, as a gateway emits it.</summary>
/// <param name="Index">Position among the generated tokens, from 0.</param>
/// <param name="Id">The token; −1 when the item only ends the generation.</param>
/// <param name="Text">Text it adds; may be empty.</param>
/// <param name="End">Set on the last item.</param>
public sealed record GatewayToken(int Index, int Id, string Text, EndReason? End)
{
    /// <summary>Whether it was computed without some experts, itself or a token before it that its attention reads.</summary>
    public bool IsDegraded { get; init; }
}
