using ExpertCluster.Moe;

namespace ExpertCluster.Models;

/// <summary>A batch on its way to the experts of one layer. Valid until the task of <see cref="IExpertBackend.ApplyAsync"/> ends.</summary>
/// <param name="Tokens">T.</param>
/// <param name="HiddenSize">H.</param>
/// <param name="Rows">Normed hidden states, [T,H], row-major.</param>
/// <param name="Routing">Where each row goes.</param>
public sealed record RoutedRows(int Tokens, int HiddenSize, ReadOnlyMemory<float> Rows, RoutingDecision Routing)
{
    /// <summary>Which of the rows are of tokens that their sequences generated themselves, [T]; empty where none is: all are read of prompts and
    /// sources then. Experts compute both alike; it is for whoever counts.</summary>
    public ReadOnlyMemory<bool> Generated { get; init; }

    /// <summary>Where a backend that may answer without some experts says of which rows it did, [T]: it sets those to true and leaves the others as they
    /// are. Empty where nobody asks.</summary>
    public Memory<bool> Degraded { get; init; }
}
