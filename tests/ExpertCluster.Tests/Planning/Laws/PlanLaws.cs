using ExpertCluster.Cluster.Planning;

namespace ExpertCluster.Tests.Planning.Laws;

/// <summary>Carries a plan out step by step, as a cluster would, and says which law it breaks. Written without the planner's own data structures.</summary>
internal static class PlanLaws
{
    /// <summary>The first broken law, or null.</summary>
    public static string? Broken(PlanProblem problem, PlacementPlan plan)
    {
        var devices = problem.Devices.ToDictionary(d => d.Id);
        var live = problem.Layers.ToDictionary(
            l => l.Layer, l => l.Present.Where(r => devices.ContainsKey(r.Device)).Select(r => (r.Expert, r.Device)).ToList());
        var startSlots = live.ToDictionary(l => l.Key, l => l.Value.GroupBy(r => r.Device).ToDictionary(g => g.Key, g => g.Count()));
        var startMemory = live.Values.SelectMany(l => l).GroupBy(r => r.Device).ToDictionary(g => g.Key, g => (long)g.Count());
        var covered = live.ToDictionary(l => l.Key, l => l.Value.Select(r => r.Expert).ToHashSet());
        for (var i = 0; i < plan.Steps.Count; i++)
        {
            var step = plan.Steps[i];
            var layer = live[step.Layer];
            if (step.To is { } to)
            {
                if (layer.Contains((step.Expert, to)))
                {
                    return $"step {i} adds expert {step.Expert} to {to}, which has it";
                }

                layer.Add((step.Expert, to));
                var used = live.Values.Sum(l => l.Count(r => r.Device == to));
                if ((Int128)used * problem.ExpertBytes > devices[to].MemoryBytes)
                {
                    return $"step {i} finds no memory on {to}";
                }

                var slots = layer.Count(r => r.Device == to);
                var most = Math.Max(devices[to].MaxPerLayer ?? int.MaxValue, 0);
                if (slots > most && !(step.TransientSlot && slots == most + 1))
                {
                    return $"step {i} finds no slot on {to}: {slots} of {most}";
                }

                covered[step.Layer].Add(step.Expert);
                var wanted = problem.Exclusions.Contains(new PlanPlace(step.Layer, step.Expert, to));
                if (wanted)
                {
                    return $"step {i} adds to an excluded place";
                }
            }

            if (step.From is { } from && !layer.Remove((step.Expert, from)))
            {
                return $"step {i} retires expert {step.Expert} from {from}, which has none";
            }

            if (covered[step.Layer].Contains(step.Expert) && layer.TrueForAll(r => r.Expert != step.Expert))
            {
                return $"step {i} leaves expert {step.Expert} without a copy";
            }

            var over = layer.GroupBy(r => r.Device)
                .Count(g => g.Count() > Math.Max(devices[g.Key].MaxPerLayer ?? int.MaxValue, startSlots[step.Layer].GetValueOrDefault(g.Key)));
            if (over > 1)
            {
                return $"step {i}: {over} devices are over their slots at once";
            }

            if (string.IsNullOrWhiteSpace(step.Reason) || (step.From is null && step.To is null))
            {
                return $"step {i} says nothing";
            }
        }

        return After(problem, plan, live, devices, startMemory);
    }

    /// <summary>Σ over layers of the largest device time of a placement.</summary>
    public static double Time(PlanProblem problem, IReadOnlyList<IReadOnlyList<(int Expert, string Device)>> placement)
    {
        var speed = problem.Devices.ToDictionary(d => d.Id, d => d.Speed);
        return problem.Layers.OrderBy(l => l.Layer).Zip(placement, (layer, replicas) =>
        {
            var here = replicas.Where(r => speed.ContainsKey(r.Device)).ToArray();
            var copies = here.GroupBy(r => r.Expert).ToDictionary(g => g.Key, g => g.Count());
            return here.GroupBy(r => r.Device).Select(g => g.Sum(r => layer.Load[r.Expert] / copies[r.Expert]) / speed[g.Key]).DefaultIfEmpty(0).Max();
        }).Sum();
    }

    private static string? After(
        PlanProblem problem, PlacementPlan plan, Dictionary<int, List<(int Expert, string Device)>> live, Dictionary<string, PlanDevice> devices,
        Dictionary<string, long> startMemory)
    {
        var layers = problem.Layers.OrderBy(l => l.Layer).ToArray();
        for (var l = 0; l < layers.Length; l++)
        {
            var replicas = live[layers[l].Layer];
            if (replicas.Distinct().Count() != replicas.Count)
            {
                return $"layer {layers[l].Layer} has two copies on one device";
            }

            if (!replicas.Order().SequenceEqual(plan.Placement[l].Select(r => (r.Expert, r.Device)).Order()))
            {
                return $"layer {layers[l].Layer}: the steps do not lead to the placement";
            }

            if (problem.Exclusions.Any(x => x.Layer == layers[l].Layer && replicas.Contains((x.Expert, x.Device))) && plan.Unmet.Count == 0)
            {
                return "an excluded place is used";
            }

            if (plan.Unmet.Count == 0 && Unmet(problem, layers[l], replicas) is { } unmet)
            {
                return $"layer {layers[l].Layer}: {unmet}, and the plan does not say so";
            }

            if (plan.Unmet.Count == 0 && (replicas.Count > (problem.ReplicasPerLayer ?? int.MaxValue)
                || replicas.GroupBy(r => r.Device).Any(g => g.Count() > (devices[g.Key].MaxPerLayer ?? int.MaxValue))))
            {
                return $"layer {layers[l].Layer} has more replicas than slots";
            }
        }

        foreach (var device in problem.Devices)
        {
            var used = live.Values.Sum(l => (long)l.Count(r => r.Device == device.Id));
            if ((Int128)used * problem.ExpertBytes > device.MemoryBytes && used > startMemory.GetValueOrDefault(device.Id))
            {
                return $"{device.Id} has more replicas than memory";
            }
        }

        return null;
    }

    private static string? Unmet(PlanProblem problem, PlanLayer layer, List<(int Expert, string Device)> replicas)
    {
        var domain = problem.Devices.ToDictionary(d => d.Id, d => d.Domain);
        var wanted = Math.Max(problem.Copies, problem.SurviveLossOf + 1);
        for (var expert = 0; expert < layer.Load.Count; expert++)
        {
            var hosts = replicas.Where(r => r.Expert == expert).Select(r => r.Device).ToArray();
            if (hosts.Length < wanted)
            {
                return $"expert {expert} has {hosts.Length} copies";
            }

            var domains = hosts.Select(h => domain[h]).Distinct().Count();
            if (problem.Groups is null && domains < Math.Min(wanted, domain.Values.Distinct().Count()))
            {
                return $"expert {expert} is in {domains} domains";
            }
        }

        foreach (var pin in problem.Pins.Where(p => p.Layer == layer.Layer))
        {
            if (!replicas.Contains((pin.Expert, pin.Device)))
            {
                return $"expert {pin.Expert} is not on {pin.Device}";
            }
        }

        foreach (var pinned in layer.Present.Where(r => r.Pinned && domain.ContainsKey(r.Device)))
        {
            if (!replicas.Contains((pinned.Expert, pinned.Device)) && !problem.Exclusions.Contains(new PlanPlace(layer.Layer, pinned.Expert, pinned.Device)))
            {
                return $"expert {pinned.Expert} was pinned to {pinned.Device}";
            }
        }

        if (problem.Groups is { } groups && replicas.GroupBy(r => groups[r.Expert]).Any(g => g.Select(r => domain[r.Device]).Distinct().Count() > 1))
        {
            return "a group is in two domains";
        }

        return null;
    }
}
