using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Steps;

/// <summary>Which candidate of each layer is worth its copies, within the budget.</summary>
internal static class Selection
{
    /// <summary>Chooses; the second value says in words why.</summary>
    /// <param name="frames">The layers.</param>
    /// <param name="layers">Their candidates.</param>
    /// <param name="options">What a gain is worth.</param>
    /// <param name="expertBytes">Bytes of a copy.</param>
    public static (Candidate[] Chosen, string Reason) Run(LayerFrame[] frames, LayerOptions[] layers, PlannerOptions options, long expertBytes)
    {
        var chosen = layers.Select(l => l.Required).ToArray();
        var seconds = expertBytes / options.LinkBytesPerSecond;
        if (options.Strategy == PlannerStrategy.Eplb)
        {
            return ([.. layers.Select(l => l.Others.Count > 0 ? l.Others[0] : l.Required)], "EPLB's plan for the load, whatever it costs");
        }

        var most = Math.Min(options.MaxMoves ?? long.MaxValue, (options.MaxBytes ?? long.MaxValue) / expertBytes);
        var costs = layers.Select((l, i) => l.Others.Select(c => Cost(frames[i], l, c, options, seconds)).ToArray()).ToArray();
        var now = layers.Select((l, i) => Cost(frames[i], l, l.Required, options, seconds)).ToArray();
        var free = most == long.MaxValue;
        for (var left = most; Next(layers, chosen, costs, now, free, left) is ( >= 0 and var layer, var index);)
        {
            var next = layers[layer].Others[index];
            left -= next.Received - chosen[layer].Received;
            (chosen[layer], now[layer]) = (next, costs[layer][index]);
        }

        var (before, after) = (layers.Sum(l => l.Required.MaxTime), chosen.Sum(c => c.MaxTime));
        var gain = before > 0 ? (before - after) / before : 0;
        var sent = chosen.Zip(layers, (c, l) => c.Received - l.Required.Received).Sum();
        if (chosen.Zip(layers, (c, l) => ReferenceEquals(c, l.Required)).All(same => same))
        {
            return (chosen, "no change pays for its copies");
        }

        if (gain < options.MinGain)
        {
            return ([.. layers.Select(l => l.Required)], FormattableString.Invariant(
                $"{sent} copies would save {gain:P2} of the layers' largest device times, less than the least gain of {options.MinGain:P2}"));
        }

        return (chosen, FormattableString.Invariant($"{sent} copies save {gain:P2} of the layers' largest device times"));
    }

    private static double Cost(LayerFrame frame, LayerOptions layer, Candidate candidate, PlannerOptions options, double seconds)
    {
        var time = frame.Ideal > 0 ? Math.Max(candidate.MaxTime, layer.Goal) / frame.Ideal : 1;
        var cross = options.CrossCost > 0 ? options.CrossCost * CrossRows.Share(frame, candidate.Places) : 0;
        return time + cross + (options.MoveCost * seconds * (candidate.Received - layer.Required.Received));
    }

    /// <summary>The step from what is chosen with the most gain – per copy where copies are limited.</summary>
    private static (int Layer, int Index) Next(
        LayerOptions[] layers, Candidate[] chosen, double[][] costs, double[] now, bool free, long left)
    {
        var (best, found) = (0.0, (-1, -1));
        for (var layer = 0; layer < layers.Length; layer++)
        {
            for (var index = 0; index < costs[layer].Length; index++)
            {
                var copies = layers[layer].Others[index].Received - chosen[layer].Received;
                var gain = now[layer] - costs[layer][index];
                var score = free ? gain : gain / Math.Max(copies, 0.5);
                if (gain > 1e-12 && copies <= left && score > best)
                {
                    (best, found) = (score, (layer, index));
                }
            }
        }

        return found;
    }
}
