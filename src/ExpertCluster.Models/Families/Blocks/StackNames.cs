namespace ExpertCluster.Models.Families.Blocks;

/// <summary>Names of one layer's parts. Those of attentions and network end in a dot, those of norms do not.</summary>
/// <param name="Self">Attention within the stack.</param>
/// <param name="SelfNorm">The norm before it.</param>
/// <param name="Cross">Attention from decoder to encoder; null in an encoder.</param>
/// <param name="CrossNorm">The norm before it.</param>
/// <param name="Network">Dense network, or router and experts.</param>
/// <param name="NetworkNorm">The norm before it.</param>
internal sealed record StackNames(string Self, string SelfNorm, string? Cross, string? CrossNorm, string Network, string NetworkNorm);
