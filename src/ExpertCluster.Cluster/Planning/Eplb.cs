namespace ExpertCluster.Cluster.Planning;

/// <summary>
/// The published Expert Parallelism Load Balancer (deepseek-ai/EPLB, <c>rebalance_experts</c>), written anew from its description as a baseline: groups
/// to nodes, copies inside a node, copies to GPUs. Knows neither the present placement nor memory, and may put two copies of an expert on
/// one GPU. Arithmetic in float32 as there; of equals the first is taken.
/// </summary>
public static class Eplb
{
    /// <summary>Plans one layer.</summary>
    /// <param name="load">Rows per expert, [E].</param>
    /// <param name="replicas">Slots of the layer; GPUs divide them.</param>
    /// <param name="groups">Groups of neighbouring experts; they divide the experts. Unless nodes divide them, groups and nodes count as 1.</param>
    /// <param name="nodes">Nodes; they divide the GPUs.</param>
    /// <param name="gpus">GPUs.</param>
    /// <returns>Expert of each slot, [replicas]; slots s of GPU g are g·replicas/gpus ≤ s &lt; (g + 1)·replicas/gpus.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Something does not divide something, or there are fewer slots than experts.</exception>
    public static int[] Rebalance(IReadOnlyList<double> load, int replicas, int groups, int nodes, int gpus)
    {
        var experts = load.Count;
        Require(gpus > 0 && replicas % gpus == 0, nameof(replicas), replicas, $"must be a multiple of gpus ({gpus})");
        Require(replicas >= experts, nameof(replicas), replicas, $"must be at least the number of experts ({experts})");
        Require(groups > 0 && experts % groups == 0, nameof(groups), groups, $"must divide the number of experts ({experts})");
        Require(nodes > 0 && gpus % nodes == 0, nameof(nodes), nodes, $"must divide gpus ({gpus})");
        if (groups % nodes != 0)
        {
            (groups, nodes) = (1, 1);
        }

        var size = experts / groups;
        var perGroup = new float[groups];
        for (var expert = 0; expert < experts; expert++)
        {
            perGroup[expert / size] += (float)load[expert];
        }

        var (nodeOf, rankOf) = Pack(perGroup, nodes);
        var slots = new int[replicas];
        var (slotsPerNode, gpusPerNode, perGpu) = (replicas / nodes, gpus / nodes, replicas / gpus);
        for (var node = 0; node < nodes; node++)
        {
            var members = new List<int>();
            for (var rank = 0; rank < groups / nodes; rank++)
            {
                for (var group = 0; group < groups; group++)
                {
                    if (nodeOf[group] == node && rankOf[group] == rank)
                    {
                        members.AddRange(Enumerable.Range(group * size, size));
                    }
                }
            }

            var copies = Replicate(members, load, slotsPerNode, out var count);
            var weights = new float[slotsPerNode];
            for (var slot = 0; slot < slotsPerNode; slot++)
            {
                weights[slot] = (float)load[members[copies[slot]]] / count[copies[slot]];
            }

            var (gpuOf, place) = Pack(weights, gpusPerNode);
            for (var slot = 0; slot < slotsPerNode; slot++)
            {
                slots[(((node * gpusPerNode) + gpuOf[slot]) * perGpu) + place[slot]] = members[copies[slot]];
            }
        }

        return slots;
    }

    /// <summary>One copy each, and each further slot for the expert with the most load per copy.</summary>
    private static int[] Replicate(List<int> members, IReadOnlyList<double> load, int slots, out int[] count)
    {
        count = new int[members.Count];
        Array.Fill(count, 1);
        var copies = new int[slots];
        for (var slot = 0; slot < slots; slot++)
        {
            if (slot < members.Count)
            {
                copies[slot] = slot;
                continue;
            }

            var hottest = 0;
            for (var member = 1; member < members.Count; member++)
            {
                if ((float)load[members[member]] / count[member] > (float)load[members[hottest]] / count[hottest])
                {
                    hottest = member;
                }
            }

            copies[slot] = hottest;
            count[hottest]++;
        }

        return copies;
    }

    /// <summary>The heaviest first, each to the lightest pack that has room; every pack takes the same number.</summary>
    private static (int[] Pack, int[] Rank) Pack(float[] weights, int packs)
    {
        var (pack, rank) = (new int[weights.Length], new int[weights.Length]);
        var room = weights.Length / packs;
        if (room == 1)
        {
            return (Enumerable.Range(0, weights.Length).ToArray(), rank);
        }

        var (sum, used) = (new float[packs], new int[packs]);
        foreach (var item in Enumerable.Range(0, weights.Length).OrderByDescending(i => weights[i]))
        {
            var lightest = -1;
            for (var p = 0; p < packs; p++)
            {
                if (used[p] < room && (lightest < 0 || sum[p] < sum[lightest]))
                {
                    lightest = p;
                }
            }

            pack[item] = lightest;
            rank[item] = used[lightest]++;
            sum[lightest] += weights[item];
        }

        return (pack, rank);
    }

    private static void Require(bool holds, string key, int value, string rule)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(key, value, $"{key} {rule}");
        }
    }
}
