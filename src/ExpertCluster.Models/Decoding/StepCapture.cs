namespace ExpertCluster.Models;

/// <summary>Collects what passes through a step, for comparison with a reference. Costs a copy per layer.</summary>
public sealed class StepCapture
{
    private readonly List<float[]> _hiddenStates = [];
    private readonly List<float[]> _routerLogits = [];

    /// <summary>
    /// Input of each layer, [T,H] row-major over the rows of all slices in order, and last the output of the final norm.
    /// </summary>
    public IReadOnlyList<float[]> HiddenStates => _hiddenStates;

    /// <summary>Router logits of each layer with experts, [T,E].</summary>
    public IReadOnlyList<float[]> RouterLogits => _routerLogits;

    internal void AddHidden(float[] values) => _hiddenStates.Add(values);

    internal void AddRouter(float[] values) => _routerLogits.Add(values);
}
