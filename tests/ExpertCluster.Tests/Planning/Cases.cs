using ExpertCluster.Cluster.Planning;

namespace ExpertCluster.Tests.Planning;

/// <summary>Problems as EPLB sees them, and loads for them.</summary>
internal static class Cases
{
    public static string Gpu(int gpu) => $"gpu{gpu:000}";

    /// <summary>Equal GPUs with equal slots.</summary>
    public static PlanProblem Problem(double[][] loads, int replicas, int gpus, int nodes = 1, int groups = 1, int[][]? present = null)
    {
        var perGpu = ((replicas - 1) / gpus) + 1;
        return new PlanProblem
        {
            Devices = [.. Enumerable.Range(0, gpus).Select(g => new PlanDevice(Gpu(g), $"node{g * nodes / gpus:00}", MaxPerLayer: perGpu))],
            ReplicasPerLayer = replicas,
            Groups = groups > 1 ? [.. Enumerable.Range(0, loads[0].Length).Select(e => e * groups / loads[0].Length)] : null,
            Layers = [.. loads.Select((load, l) => new PlanLayer(
                l, load, present is null ? [] : [.. present[l].Select((expert, slot) => new PlanReplica(expert, Gpu(slot / perGpu)))]))],
        };
    }

    /// <summary>Mean ÷ max over GPUs of EPLB's slots, second copies where they are.</summary>
    public static double Balancedness(double[] load, int[] slots, int gpus)
    {
        var copies = slots.GroupBy(e => e).ToDictionary(g => g.Key, g => g.Count());
        var work = new double[gpus];
        for (var slot = 0; slot < slots.Length; slot++)
        {
            work[slot / (slots.Length / gpus)] += load[slots[slot]] / copies[slots[slot]];
        }

        return work.Max() > 0 ? work.Average() / work.Max() : 1;
    }

    /// <summary>Loads as real routers have them, about: log-normal.</summary>
    public static double[] LogNormal(Random random, int experts) => [.. Enumerable.Range(0, experts).Select(_ => Math.Round(1000 * Math.Exp(0.8 * Normal(random))) + 1)];

    /// <summary>Every load changed by 5 % noise.</summary>
    public static double[] Noise(Random random, double[] load) => [.. load.Select(x => Math.Max(1, Math.Round(x * (1 + (0.05 * Normal(random))))))];

    /// <summary>A tenth of the experts trade loads in pairs.</summary>
    public static double[] Trade(Random random, double[] load)
    {
        var (traded, order) = ((double[])load.Clone(), Enumerable.Range(0, load.Length).ToArray());
        random.Shuffle(order);
        for (var i = 0; i + 1 < load.Length / 10; i += 2)
        {
            (traded[order[i]], traded[order[i + 1]]) = (traded[order[i + 1]], traded[order[i]]);
        }

        return traded;
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
