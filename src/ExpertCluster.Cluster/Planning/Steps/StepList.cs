using ExpertCluster.Cluster.Planning.Problem;
using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Steps;

/// <summary>The steps of all layers: the layers that gain most first, and one that finds no memory after those that free some.</summary>
internal sealed class StepList(ProblemIndex index, PlannerOptions options)
{
    private readonly int[] _memory = Free(index);
    private readonly List<PlanStep> _steps = [];

    public IReadOnlyList<PlanStep> Steps => _steps;

    public List<string> Unmet { get; } = [];

    /// <summary>Orders the changes; a layer whose changes cannot be carried out keeps what it has, which <paramref name="chosen"/> then says.</summary>
    public void Build(LayerOptions[] layers, Candidate[] chosen)
    {
        for (var l = 0; l < chosen.Length; l++)
        {
            SecondCopies(l);
        }

        var waiting = Enumerable.Range(0, chosen.Length)
            .OrderByDescending(l => index.Frames[l].Ideal > 0 ? (layers[l].Required.MaxTime - chosen[l].MaxTime) / index.Frames[l].Ideal : 0)
            .ToList();
        while (waiting.Count > 0)
        {
            var later = waiting.Where(l => !Layer(l, layers[l], chosen[l])).ToList();
            if (later.Count == waiting.Count)
            {
                // Nothing frees memory for them: without the changes for balance's sake, or at last without any.
                foreach (var l in later)
                {
                    var frame = index.Frames[l];
                    chosen[l] = Instead(layers[l], chosen[l]).FirstOrDefault(c => Layer(l, layers[l], c))
                        ?? Candidate.Of(LayerState.From(frame, frame.Baseline));
                    Unmet.Add(
                        $"layer {index.Layers[l].Layer}: better changes need memory for one expert more on some device while they are carried out, "
                        + "and none has it");
                }

                return;
            }

            waiting = later;
        }
    }

    /// <summary>What a layer can have in place of a choice: for no more copies, the fastest first, and at last only what must change.</summary>
    private static IEnumerable<Candidate> Instead(LayerOptions layer, Candidate chosen) => layer.Others
        .Where(c => c != chosen && c.Received <= chosen.Received && c.MaxTime < layer.Required.MaxTime)
        .OrderBy(c => c.MaxTime)
        .Append(layer.Required);

    private static int[] Free(ProblemIndex index)
    {
        var free = (int[])index.Memory.Clone();
        for (var l = 0; l < index.Frames.Length; l++)
        {
            var baseline = index.Frames[l].Baseline;
            for (var at = 0; at < baseline.Length; at++)
            {
                free[at % free.Length] -= baseline[at] ? 1 : 0;
            }

            foreach (var at in index.Second[l])
            {
                free[at % free.Length]--;
            }
        }

        return free;
    }

    private bool Layer(int l, LayerOptions layer, Candidate chosen)
    {
        var frame = index.Frames[l];
        var slots = index.Devices.Select(d => d.MaxPerLayer ?? frame.Experts).ToArray();
        var memory = (int[])_memory.Clone();
        var steps = new LayerSchedule(frame, chosen.Places, slots, index.Problem.ReplicasPerLayer ?? int.MaxValue, memory).Run();
        if (steps is null)
        {
            return false;
        }

        Array.Copy(memory, _memory, memory.Length);
        var required = layer.Required.Has(frame);
        foreach (var step in steps)
        {
            _steps.Add(Describe(l, step, required));
        }

        return true;
    }

    private void SecondCopies(int l)
    {
        var frame = index.Frames[l];
        var first = true;
        foreach (var at in index.Second[l])
        {
            var (expert, device) = (at / frame.Devices, at % frame.Devices);
            var after = first ? LayerState.From(frame, frame.Baseline).MaxTime() : 0;
            var gain = first && frame.Ideal > 0 ? (index.TimeBefore[l] - after) / frame.Ideal : 0;
            first = false;
            _memory[device]++;
            _steps.Add(new PlanStep(
                PlanStepKind.Retire, index.Layers[l].Layer, expert, index.Devices[device].Id, null, gain, 0, TimeSpan.Zero, true, false,
                $"{index.Devices[device].Id} holds expert {expert} twice, and a second copy there takes nothing off it"));
        }
    }

    private PlanStep Describe(int l, ScheduledStep step, bool[] required)
    {
        var frame = index.Frames[l];
        var unit = frame.Ideal > 0 ? 1 / frame.Ideal : 0;
        var (from, to) = (step.From < 0 ? null : index.Devices[step.From].Id, step.To < 0 ? null : index.Devices[step.To].Id);
        var kind = from is null ? PlanStepKind.Add : to is null ? PlanStepKind.Retire : PlanStepKind.Move;
        var row = step.Expert * frame.Devices;
        var must = !required.AsSpan(row, frame.Devices).SequenceEqual(frame.Baseline.AsSpan(row, frame.Devices));
        var bytes = to is null ? 0 : index.Problem.ExpertBytes;
        var load = frame.TotalLoad > 0 ? frame.Load[step.Expert] / frame.TotalLoad : 0;
        var what = kind switch
        {
            PlanStepKind.Add when step.Copies == 1 => $"expert {step.Expert} has no copy",
            PlanStepKind.Add => FormattableString.Invariant($"expert {step.Expert} takes {load:P1} of the rows and gets copy {step.Copies} on {to} at {step.ToTime * unit:0.00}"),
            PlanStepKind.Retire => FormattableString.Invariant($"{from} at {step.FromTime * unit:0.00} gives up a spare copy of expert {step.Expert}, {step.Copies} left"),
            _ => FormattableString.Invariant(
                $"expert {step.Expert} with {load:P1} of the rows leaves {from} at {step.FromTime * unit:0.00} for {to} at {step.ToTime * unit:0.00}"),
        };
        return new PlanStep(
            kind, index.Layers[l].Layer, step.Expert, from, to, (step.Before - step.After) * unit, bytes,
            TimeSpan.FromSeconds(Math.Min(bytes / options.LinkBytesPerSecond, 1e9)), must, step.Transient,
            FormattableString.Invariant($"{what}; slowest device {step.Before * unit:0.00} → {step.After * unit:0.00} of perfect balance"));
    }
}
