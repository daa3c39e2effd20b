using ExpertCluster.Cluster.Planning.Problem;
using ExpertCluster.Cluster.Planning.Search;
using ExpertCluster.Cluster.Planning.Steps;

namespace ExpertCluster.Cluster.Planning;

/// <summary>
/// Decides where the replicas of experts should be. Pure and deterministic: no clock, no I/O, and the same problem and options give the same plan
/// whatever the order of lists and dictionaries.
/// </summary>
public static class Planner
{
    /// <summary>Plans all layers. What cannot be had is told in <see cref="PlacementPlan.Unmet"/> and no error.</summary>
    /// <exception cref="InvalidDataException">A value of the problem or an option makes no sense; the message names key and value.</exception>
    public static PlacementPlan Plan(PlanProblem problem, PlannerOptions? options = null)
    {
        options ??= new PlannerOptions();
        var index = ProblemIndex.Of(problem, options);
        var unmet = UnmetWishes.General(index).ToList();
        if (index.Devices.Length == 0)
        {
            return Nothing(index, unmet);
        }

        var copySeconds = problem.ExpertBytes / options.LinkBytesPerSecond;
        var layers = new LayerOptions[index.Frames.Length];
        for (var l = 0; l < layers.Length; l++)
        {
            layers[l] = options.Strategy == PlannerStrategy.Balanced
                ? new BalancedSearch(index.Frames[l], options, index.Layers[l].Layer).Run()
                : new BaselineSearch(index.Frames[l], options, index.Layers[l].Layer, copySeconds).Run();
            unmet.AddRange(layers[l].Notes);
        }

        if (problem.Together is { } together)
        {
            Columns.Run(index, layers, together);
        }

        var (chosen, reason) = Selection.Run(index.Frames, layers, options, problem.ExpertBytes);
        var steps = new StepList(index, options);
        steps.Build(layers, chosen);
        unmet.AddRange(steps.Unmet);
        return Result(index, chosen, steps.Steps, unmet, reason);
    }

    private static PlacementPlan Result(
        ProblemIndex index, Candidate[] chosen, IReadOnlyList<PlanStep> steps, List<string> unmet, string reason)
    {
        var (layers, placement) = (new List<PlanLayerSummary>(), new List<IReadOnlyList<PlanReplica>>());
        var required = steps.Count(s => s.Required);
        for (var l = 0; l < chosen.Length; l++)
        {
            var frame = index.Frames[l];
            var state = LayerState.From(frame, chosen[l].Has(frame));
            var after = state.MaxTime();
            unmet.AddRange(UnmetWishes.Of(index, l, state));
            layers.Add(new PlanLayerSummary(
                index.Layers[l].Layer,
                Balancedness(frame, index.TimeBefore[l]),
                Balancedness(frame, after),
                index.TimeBefore[l],
                after,
                state.Received,
                frame.Baseline.AsSpan().Count(true) + index.Second[l].Length,
                state.Total,
                frame.RowsFrom is null ? null : CrossRows.Share(frame, chosen[l].Places)));
            placement.Add([.. chosen[l].Places.Select(at => new PlanReplica(
                at / frame.Devices, index.Devices[at % frame.Devices].Id, frame.Pinned[at]))]);
        }

        return new PlacementPlan
        {
            Steps = steps,
            Layers = layers,
            Placement = placement,
            Unmet = unmet,
            Reason = required > 0 ? $"{reason}; {required} steps are needed for more than balance" : reason,
        };
    }

    private static double Balancedness(LayerFrame frame, double largest) => largest > 0 ? Math.Min(1, frame.Ideal / largest) : 1;

    private static PlacementPlan Nothing(ProblemIndex index, List<string> unmet) => new()
    {
        Steps = [],
        Layers = [.. index.Layers.Select(l => new PlanLayerSummary(l.Layer, 1, 1, 0, 0, 0, 0, 0, null))],
        Placement = [.. index.Layers.Select(_ => (IReadOnlyList<PlanReplica>)[])],
        Unmet = unmet,
        Reason = "there is no device to place anything on",
    };
}
