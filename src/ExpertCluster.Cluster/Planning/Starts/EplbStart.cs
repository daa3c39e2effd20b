using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Starts;

/// <summary>EPLB's placement of a layer, where its rules of divisibility hold: as a start without second copies on a device, and its figure as they are.</summary>
internal sealed class EplbStart
{
    private EplbStart(bool[] has, double maxTime, int second)
    {
        Has = has;
        MaxTime = maxTime;
        Second = second;
    }

    /// <summary>[E, D], second copies left out.</summary>
    public bool[] Has { get; }

    /// <summary>The largest device time with second copies where EPLB puts them.</summary>
    public double MaxTime { get; }

    /// <summary>Slots that hold a second copy on their device.</summary>
    public int Second { get; }

    /// <summary>Null with the reason where EPLB cannot plan this layer.</summary>
    public static EplbStart? Build(LayerFrame frame, out string whyNot)
    {
        var perDevice = frame.MaxTotal / frame.Devices;
        var slots = perDevice * frame.Devices;
        whyNot = slots < frame.Experts ? $"{frame.Devices} devices with {perDevice} slots each cannot hold {frame.Experts} experts"
            : frame.Cap.Min() < perDevice ? $"a device has room for {frame.Cap.Min()} replicas of the layer, and all would have to take {perDevice}"
            : "";
        if (whyNot.Length > 0)
        {
            return null;
        }

        var (groups, nodes) = Hierarchy(frame);
        var placed = Eplb.Rebalance(frame.Load, slots, groups, nodes, frame.Devices);
        var copies = new int[frame.Experts];
        foreach (var expert in placed)
        {
            copies[expert]++;
        }

        var has = new bool[frame.Experts * frame.Devices];
        var work = new double[frame.Devices];
        var second = 0;
        for (var slot = 0; slot < slots; slot++)
        {
            var (expert, device) = (placed[slot], slot / perDevice);
            ref var there = ref has[(expert * frame.Devices) + device];
            second += there ? 1 : 0;
            there = true;
            work[device] += frame.Load[expert] / copies[expert];
        }

        var largest = 0.0;
        for (var device = 0; device < frame.Devices; device++)
        {
            largest = Math.Max(largest, work[device] * frame.Inverse[device]);
        }

        return new EplbStart(has, largest, second);
    }

    /// <summary>Groups and nodes as EPLB wants them: neighbouring experts, equal sizes, equal domains; else one of each.</summary>
    private static (int Groups, int Nodes) Hierarchy(LayerFrame frame)
    {
        if (frame.Groups is null || frame.Devices % frame.Domains != 0)
        {
            return (1, 1);
        }

        var groups = frame.Groups.Max() + 1;
        var (size, perDomain) = (frame.Experts / groups, frame.Devices / frame.Domains);
        if (frame.Experts % groups != 0 || groups % frame.Domains != 0)
        {
            return (1, 1);
        }

        for (var expert = 0; expert < frame.Experts; expert++)
        {
            if (frame.Groups[expert] != frame.Groups[expert / size * size])
            {
                return (1, 1);
            }
        }

        for (var device = 0; device < frame.Devices; device++)
        {
            if (frame.Domain[device] != device / perDomain)
            {
                return (1, 1);
            }
        }

        return (groups, frame.Domains);
    }
}
