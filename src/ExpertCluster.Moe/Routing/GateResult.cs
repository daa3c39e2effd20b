using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>A gate's decision and what it was made from. Disposing it disposes every tensor in it.</summary>
/// <param name="Assignment">Who computes what.</param>
public sealed record GateResult(Assignment Assignment) : IDisposable
{
    /// <summary>The scores; null for a gate without a router.</summary>
    public RouterScores? Scores { get; init; }

    /// <summary>The choices before capacity; null where experts choose or slots are soft.</summary>
    public ExpertSelection? Selection { get; init; }

    /// <summary>The preset's training losses by name, scalars, without their coefficients.</summary>
    public IReadOnlyDictionary<string, Tensor> Losses { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>Sum of the losses times their coefficients, a scalar; null when the gate has none.</summary>
    public Tensor? TotalLoss { get; init; }

    /// <summary>The assignment, for callers that know tokens go to slots.</summary>
    /// <exception cref="InvalidOperationException">The gate makes soft slots.</exception>
    public SlotAssignment Slots =>
        Assignment as SlotAssignment ?? throw new InvalidOperationException("This gate mixes tokens into soft slots; it assigns none whole.");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in Held())
        {
            tensor.Dispose();
        }
    }

    internal GateResult KeepBeyond(DisposeScope scope)
    {
        foreach (Tensor tensor in Held())
        {
            scope.MoveToOuter(tensor);
        }

        return this;
    }

    private HashSet<Tensor> Held()
    {
        IEnumerable<Tensor?> all =
        [
            .. Assignment.Held(), Scores?.Logits, Scores?.Probabilities, Scores?.Ranking, Scores?.NoisyLogits, Scores?.NoiseScale,
            Selection?.Experts, Selection?.Gates, Selection?.Wanted, Selection?.LogProbability, .. Losses.Values, TotalLoss,
        ];
        return new HashSet<Tensor>(all.OfType<Tensor>(), ReferenceEqualityComparer.Instance);
    }
}
