using ExpertCluster.Moe;

namespace ExpertCluster.Models;

/// <summary>A batch on its way to the experts of one layer. Valid until the task of <see cref="IExpertBackend.ApplyAsync"/> ends.</summary>
/// <param name="Tokens">T.</param>
/// <param name="HiddenSize">H.</param>
/// <param name="Rows">Normed hidden states, [T,H], row-major.</param>
/// <param name="Routing">Where each row goes.</param>
public sealed record RoutedRows(int Tokens, int HiddenSize, ReadOnlyMemory<float> Rows, RoutingDecision Routing);
