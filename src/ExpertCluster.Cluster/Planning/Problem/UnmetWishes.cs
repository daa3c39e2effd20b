using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Problem;

/// <summary>What a placement leaves undone, in words.</summary>
internal static class UnmetWishes
{
    public static IEnumerable<string> General(ProblemIndex index)
    {
        var problem = index.Problem;
        if (index.Devices.Length == 0)
        {
            yield return "there is no device";
        }
        else if (index.Wanted > index.Devices.Length)
        {
            yield return problem.SurviveLossOf + 1 > problem.Copies
                ? $"the loss of {problem.SurviveLossOf} devices cannot be survived with {index.Devices.Length}: {index.Wanted} copies on as many devices are wanted"
                : $"{index.Wanted} copies of each expert need as many devices, and there are {index.Devices.Length}";
        }

        if (problem.Groups is { } groups && problem.Layers.All(l => l.Load.Count != groups.Count))
        {
            yield return $"groups are given for {groups.Count} experts, and no layer has so many";
        }
    }

    public static IEnumerable<string> Of(ProblemIndex index, int l, LayerState state)
    {
        var (frame, layer) = (index.Frames[l], index.Layers[l].Layer);
        var (none, few, close) = (new List<int>(), new List<int>(), new List<int>());
        for (var expert = 0; expert < frame.Experts; expert++)
        {
            var copies = state.Copies[expert];
            if (copies == 0)
            {
                none.Add(expert);
            }
            else if (copies < frame.MinCopies)
            {
                few.Add(expert);
            }
            else if (frame.Spread > 1 && state.Spread(expert) < frame.Spread)
            {
                close.Add(expert);
            }
        }

        var room = $"the layer has room for {frame.MaxTotal} replicas, {state.Total} are used";
        if (none.Count > 0)
        {
            yield return $"layer {layer}: no copy of {Names(none)}: {room}";
        }

        if (few.Count > 0)
        {
            yield return $"layer {layer}: fewer than {frame.MinCopies} copies of {Names(few)}: {room}";
        }

        if (close.Count > 0)
        {
            yield return $"layer {layer}: copies of {Names(close)} are in fewer than {frame.Spread} domains: there is no slot in another";
        }

        for (var at = 0; frame.HasPins && at < frame.Pinned.Length; at++)
        {
            if (frame.Pinned[at] && !state.Has[at])
            {
                yield return $"layer {layer}: expert {at / frame.Devices} is pinned to {index.Devices[at % frame.Devices].Id}, which has no room for it";
            }
        }
    }

    private static string Names(List<int> experts) =>
        (experts.Count == 1 ? "expert " : $"{experts.Count} experts: ") + string.Join(", ", experts.Take(8)) + (experts.Count > 8 ? ", …" : "");
}
