using ExpertCluster.Cluster.Planning;

namespace ExpertCluster.Tests.Planning.Laws;

/// <summary>Problems of every kind from a seed: odd device counts, unequal speeds and memory, pins, exclusions, lost devices, second copies.</summary>
internal static class ProblemGen
{
    public static PlanProblem From(int seed)
    {
        var random = new Random(seed);
        var (experts, layers, count) = (1 + random.Next(20), 1 + random.Next(4), 1 + random.Next(9));
        var domains = 1 + random.Next(Math.Min(4, count));
        var unequal = random.Next(2) == 0;
        var tight = random.Next(3) == 0;
        var slots = random.Next(3) == 0 ? (int?)null : ((experts + random.Next(1 + experts)) / count) + 1;
        var devices = Enumerable.Range(0, count).Select(d => new PlanDevice(
            $"d{d}",
            $"h{d % domains}",
            unequal ? 0.5 + random.NextDouble() : 1,
            tight ? 10L * ((experts * layers / count) + random.Next(4)) : long.MaxValue,
            slots is null ? null : slots + (unequal ? random.Next(2) : 0))).ToArray();
        var names = devices.Select(d => d.Id).Append("gone").ToArray();
        var groups = random.Next(4) == 0 && domains > 1 ? Enumerable.Range(0, experts).Select(e => e * 2 * domains / experts % experts).ToArray() : null;
        var copies = groups is null ? 1 + random.Next(2) : 1;
        var problem = new PlanProblem
        {
            Devices = devices,
            ExpertBytes = 10,
            Copies = copies,
            SurviveLossOf = groups is null && random.Next(4) == 0 ? random.Next(count) : 0,
            ReplicasPerLayer = random.Next(2) == 0 ? null : (experts * copies) + random.Next(experts + 1),
            Groups = groups,
            Layers = [.. Enumerable.Range(0, layers).Select(l => new PlanLayer(l * 3, Load(random, experts), Present(random, experts, names)))],
        };
        var places = Enumerable.Range(0, random.Next(5)).Select(_ => new PlanPlace(
            3 * random.Next(layers), random.Next(experts), devices[random.Next(count)].Id)).Distinct().ToArray();
        var pins = random.Next(2) == 0 ? 0 : random.Next(places.Length + 1);
        return random.Next(2) == 0 ? problem : problem with { Pins = [.. places.Take(pins)], Exclusions = [.. places.Skip(pins)] };
    }

    private static double[] Load(Random random, int experts)
    {
        var kind = random.Next(4);
        return [.. Enumerable.Range(0, experts).Select(e => kind switch
        {
            0 => random.Next(1000),
            1 => Math.Round(10000 / Math.Pow(1 + random.Next(experts), 1.1)),
            2 => e == 0 ? 1000.0 : random.Next(3),
            _ => random.Next(8) == 0 ? 0 : random.NextDouble(),
        })];
    }

    private static PlanReplica[] Present(Random random, int experts, string[] names)
    {
        if (random.Next(4) == 0)
        {
            return [];
        }

        var lost = random.Next(3) == 0 ? 0.2 : 0;
        return [.. Enumerable.Range(0, experts).SelectMany(e => Enumerable.Range(0, 1 + random.Next(2)).Where(_ => random.NextDouble() >= lost)
            .Select(_ => new PlanReplica(e, names[random.Next(names.Length)], random.Next(20) == 0)))];
    }
}
