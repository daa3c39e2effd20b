namespace ExpertCluster.Moe.Routing;

/// <summary>
/// A router per task over the same experts, with a k per task that follows the task's validation loss (Chen et al. 2023,
/// "AdaMV-MoE: Adaptive Multi-Task Vision Mixture-of-Experts", ICCV).
/// </summary>
public sealed class TaskGate : Gate
{
    private readonly TokenChoiceGate[] _tasks;
    private readonly AdaptiveChoices[] _choices;

    /// <summary>Creates a gate that owns its tasks' gates.</summary>
    /// <param name="tasks">One per task, over the same number of experts.</param>
    /// <param name="choices">How each task's k develops.</param>
    /// <exception cref="ArgumentException">No tasks, unequal numbers, or gates over different experts.</exception>
    public TaskGate(IReadOnlyList<TokenChoiceGate> tasks, IReadOnlyList<AdaptiveChoices> choices)
        : base("adamv-moe", tasks is { Count: > 0 } ? tasks[0].Experts : 0)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        ArgumentNullException.ThrowIfNull(choices);
        if (choices.Count != tasks.Count || tasks.Any(t => t.Experts != Experts) || choices.Any(c => c.Most > Experts))
        {
            throw new ArgumentException($"{tasks.Count} gates and {choices.Count} ks don't make tasks over {Experts} experts.", nameof(choices));
        }

        (_tasks, _choices) = ([.. tasks], [.. choices]);
        for (int task = 0; task < _tasks.Length; task++)
        {
            register_module($"task{task}", _tasks[task]);
            Use(task);
        }
    }

    /// <summary>Number of tasks.</summary>
    public int Tasks => _tasks.Length;

    /// <inheritdoc/>
    public override GradientKind Gradient => GradientKind.Exact;

    /// <summary>Experts per token of a task at present.</summary>
    public int ChoicesOf(int task) => _choices[Checked(task)].K;

    /// <summary>Takes a task's validation loss into account.</summary>
    /// <returns>Whether the task's k changed.</returns>
    public bool ReportValidationLoss(int task, double loss)
    {
        bool changed = _choices[Checked(task)].Report(loss);
        if (changed)
        {
            Use(task);
        }

        return changed;
    }

    /// <inheritdoc/>
    protected override GateResult RouteCore(GateInput input, RoutingContext context) => _tasks[Checked(input.Task)].Route(input, context);

    private void Use(int task) => _tasks[task].Policy = _tasks[task].Policy with { Select = new TopKChoices(_choices[task].K) };

    private int Checked(int task) =>
        (uint)task < (uint)_tasks.Length ? task : throw new ArgumentOutOfRangeException(nameof(task), task, $"There are tasks 0 to {_tasks.Length - 1}.");
}
