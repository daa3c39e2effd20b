namespace ExpertCluster.Cluster.Balancing;

/// <summary>A plan while it is carried out: all of its steps, each in a state that can be read.</summary>
internal sealed class Transaction
{
    public Transaction(long id, string model, string reason, IEnumerable<MoveStep> steps, DateTimeOffset started)
    {
        Id = id;
        Model = model;
        Reason = reason;
        Started = started;
        Steps = [.. steps.Select(step => new StepRun(step))];
    }

    public long Id { get; }

    public string Model { get; }

    public string Reason { get; }

    public DateTimeOffset Started { get; }

    public IReadOnlyList<StepRun> Steps { get; }

    /// <summary>Its name in decisions and reports.</summary>
    public string Name => $"plan-{Id}";

    public int Done => Steps.Count(s => s.Phase == StepPhase.Done);

    public int RolledBack => Steps.Count(s => s.Phase == StepPhase.RolledBack);

    public bool IsOver => Steps.All(s => s.IsOver);

    /// <summary>Weights that its copies read, as far as they were begun.</summary>
    public long BytesRead => Steps.Where(s => s.Added is not null).Sum(s => s.Step.Bytes);
}
