namespace ExpertCluster.Cluster.Planning.Problem;

/// <summary>
/// Shares each device's memory out to the layers as slots, so that layers can be planned one by one: what is pinned, what is there, and the rest to
/// the layers with fewest slots. A layer that cannot hold each expert once takes slots from one that can spare them.
/// </summary>
internal static class SlotBudget
{
    /// <summary>Slots of each layer on each device, [L][D].</summary>
    /// <param name="room">Replicas a device has memory for, all layers together, [D].</param>
    /// <param name="slots">Most replicas of a layer on each device, [L][D].</param>
    /// <param name="present">Replicas there now, [L][D].</param>
    /// <param name="pinned">Replicas that must be there, [L][D].</param>
    /// <param name="need">Replicas each layer must have, [L].</param>
    public static int[][] Share(int[] room, int[][] slots, int[][] present, int[][] pinned, int[] need)
    {
        var (layers, devices) = (slots.Length, room.Length);
        var caps = new int[layers][];
        var totals = new int[layers];
        for (var layer = 0; layer < layers; layer++)
        {
            caps[layer] = new int[devices];
        }

        for (var device = 0; device < devices; device++)
        {
            var left = room[device];
            if (left >= slots.Sum(s => (long)s[device]))
            {
                for (var layer = 0; layer < layers; layer++)
                {
                    caps[layer][device] = slots[layer][device];
                    totals[layer] += caps[layer][device];
                }

                continue;
            }

            foreach (var wish in new[] { pinned, present, slots })
            {
                while (left > 0 && Poorest(caps, totals, wish, slots, device) is >= 0 and var layer)
                {
                    caps[layer][device]++;
                    totals[layer]++;
                    left--;
                }
            }
        }

        Cover(caps, totals, slots, pinned, need);
        return caps;
    }

    private static int Poorest(int[][] caps, int[] totals, int[][] wish, int[][] slots, int device)
    {
        var poorest = -1;
        for (var layer = 0; layer < caps.Length; layer++)
        {
            if (caps[layer][device] < Math.Min(wish[layer][device], slots[layer][device])
                && (poorest < 0 || (caps[layer][device], totals[layer]).CompareTo((caps[poorest][device], totals[poorest])) < 0))
            {
                poorest = layer;
            }
        }

        return poorest;
    }

    private static void Cover(int[][] caps, int[] totals, int[][] slots, int[][] pinned, int[] need)
    {
        for (var poor = 0; poor < caps.Length; poor++)
        {
            while (totals[poor] < need[poor])
            {
                var (giver, at) = (-1, -1);
                for (var layer = 0; layer < caps.Length; layer++)
                {
                    for (var device = 0; totals[layer] > need[layer] && device < caps[layer].Length; device++)
                    {
                        if (caps[layer][device] > pinned[layer][device] && caps[poor][device] < slots[poor][device]
                            && (giver < 0 || totals[layer] - need[layer] > totals[giver] - need[giver]))
                        {
                            (giver, at) = (layer, device);
                        }
                    }
                }

                if (giver < 0)
                {
                    break;
                }

                caps[giver][at]--;
                totals[giver]--;
                caps[poor][at]++;
                totals[poor]++;
            }
        }
    }
}
