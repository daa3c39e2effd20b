namespace ExpertCluster.Models;

/// <summary>Whoever computes the experts of a layer: this process, or a cluster.</summary>
public interface IExpertBackend
{
    /// <summary>Computes the weighted sum of the chosen experts' outputs.</summary>
    /// <param name="layer">Model layer index.</param>
    /// <param name="rows">The batch; neither it nor <paramref name="output"/> may be used after the task has ended.</param>
    /// <param name="output">Receives [T,H].</param>
    /// <param name="ct">Cancels.</param>
    Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct);
}
