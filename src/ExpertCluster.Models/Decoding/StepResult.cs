namespace ExpertCluster.Models;

/// <summary>The outcome of a step.</summary>
/// <param name="Logits">Per slice the logits of the positions wanted, [rows,V] row-major; empty when none were.</param>
public sealed record StepResult(float[][] Logits)
{
    /// <summary>Per slice whether some of its rows were computed without some of their experts; see <see cref="RoutedRows.Degraded"/>.</summary>
    public IReadOnlyList<bool> Degraded { get; init; } = [];
}
