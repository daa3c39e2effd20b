namespace ExpertCluster.Models;

/// <summary>The outcome of a step.</summary>
/// <param name="Logits">Per slice the logits of the positions wanted, [rows,V] row-major; empty when none were.</param>
public sealed record StepResult(float[][] Logits);
