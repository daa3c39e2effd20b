namespace ExpertCluster.Cluster.Planning.Problem;

/// <summary>Refuses what makes no sense, by key and value.</summary>
internal static class ProblemCheck
{
    public static void Run(PlanProblem problem, PlannerOptions options)
    {
        Options(options);
        Require(problem.ExpertBytes > 0, "expertBytes", problem.ExpertBytes, "must be above 0");
        Require(problem.Copies >= 1, "copies", problem.Copies, "must be at least 1");
        Require(problem.SurviveLossOf >= 0, "surviveLossOf", problem.SurviveLossOf, "must be at least 0");
        var devices = Devices(problem);
        var layers = new Dictionary<int, PlanLayer>();
        for (var l = 0; l < problem.Layers.Count; l++)
        {
            var layer = problem.Layers[l];
            Require(layers.TryAdd(layer.Layer, layer), $"layers[{l}].layer", layer.Layer, "names a layer twice");
            Layer(problem, layer, l);
        }

        Places(problem.Pins, "pins", layers, devices);
        Places(problem.Exclusions, "exclusions", layers, devices);
        var refused = problem.Exclusions.ToHashSet();
        for (var p = 0; p < problem.Pins.Count; p++)
        {
            var pin = problem.Pins[p];
            Require(!refused.Contains(pin), $"pins[{p}]", $"(layer {pin.Layer}, expert {pin.Expert}, {pin.Device})", "is excluded as well");
        }

        for (var e = 0; e < problem.Groups?.Count; e++)
        {
            Require(
                problem.Groups[e] >= 0 && problem.Groups[e] < problem.Groups.Count, $"groups[{e}]", problem.Groups[e],
                $"must be 0 to {problem.Groups.Count - 1}");
        }
    }

    private static void Options(PlannerOptions o)
    {
        Require(o.MoveCost >= 0 && double.IsFinite(o.MoveCost), "moveCost", o.MoveCost, "must be at least 0");
        Require(o.LinkBytesPerSecond > 0 && double.IsFinite(o.LinkBytesPerSecond), "linkBytesPerSecond", o.LinkBytesPerSecond, "must be above 0");
        Require(o.CrossCost >= 0 && double.IsFinite(o.CrossCost), "crossCost", o.CrossCost, "must be at least 0");
        Require(o.MinGain is >= 0 and <= 1, "minGain", o.MinGain, "must be 0 to 1");
        Require(o.SameGain is >= 0 and <= 1, "sameGain", o.SameGain, "must be 0 to 1");
        Require(o.MaxMoves is null or >= 0, "maxMoves", o.MaxMoves, "must be at least 0");
        Require(o.MaxBytes is null or >= 0, "maxBytes", o.MaxBytes, "must be at least 0");
        Require(o.TopExperts is null or >= 0, "topExperts", o.TopExperts, "must be at least 0");
        Require(o.Effort is >= 1 and <= 1_000_000, "effort", o.Effort, "must be 1 to 1000000");
        Require(Enum.IsDefined(o.Strategy), "strategy", o.Strategy, "is no strategy");
    }

    private static HashSet<string> Devices(PlanProblem problem)
    {
        var devices = new HashSet<string>(StringComparer.Ordinal);
        for (var d = 0; d < problem.Devices.Count; d++)
        {
            var device = problem.Devices[d];
            Require(!string.IsNullOrEmpty(device.Id), $"devices[{d}].id", "empty", "must name the device");
            Require(devices.Add(device.Id), $"devices[{d}].id", device.Id, "names a device twice");
            Require(device.Domain is not null, $"devices[{d}].domain", "null", "must name a domain");
            Require(device.Speed > 0 && double.IsFinite(device.Speed), $"devices[{d}].speed", device.Speed, "must be above 0");
            Require(device.MemoryBytes >= 0, $"devices[{d}].memoryBytes", device.MemoryBytes, "must be at least 0");
            Require(device.MaxPerLayer is null or >= 0, $"devices[{d}].maxPerLayer", device.MaxPerLayer, "must be at least 0");
        }

        return devices;
    }

    private static void Layer(PlanProblem problem, PlanLayer layer, int index)
    {
        var key = $"layers[{index}]";
        Require(layer.Load.Count > 0, $"{key}.load", "empty", "must hold a number for each expert");
        for (var e = 0; e < layer.Load.Count; e++)
        {
            Require(layer.Load[e] >= 0 && double.IsFinite(layer.Load[e]), $"{key}.load[{e}]", layer.Load[e], "must be at least 0 and finite");
        }

        Require(
            problem.ReplicasPerLayer is null || problem.ReplicasPerLayer >= layer.Load.Count, "replicasPerLayer", problem.ReplicasPerLayer,
            $"must be at least the {layer.Load.Count} experts of {key}");
        for (var r = 0; r < layer.Present.Count; r++)
        {
            var replica = layer.Present[r];
            Require(
                replica.Expert >= 0 && replica.Expert < layer.Load.Count, $"{key}.present[{r}].expert", replica.Expert,
                $"must be 0 to {layer.Load.Count - 1}");
        }

        foreach (var (domain, share) in layer.RowsFrom ?? new Dictionary<string, double>())
        {
            Require(share >= 0 && double.IsFinite(share), $"{key}.rowsFrom['{domain}']", share, "must be at least 0 and finite");
        }
    }

    private static void Places(IReadOnlyList<PlanPlace> places, string key, Dictionary<int, PlanLayer> layers, HashSet<string> devices)
    {
        for (var p = 0; p < places.Count; p++)
        {
            var place = places[p];
            Require(layers.TryGetValue(place.Layer, out var layer), $"{key}[{p}].layer", place.Layer, "is no layer of the problem");
            Require(
                place.Expert >= 0 && place.Expert < layer!.Load.Count, $"{key}[{p}].expert", place.Expert, $"must be 0 to {layer!.Load.Count - 1}");
            Require(devices.Contains(place.Device), $"{key}[{p}].device", place.Device, "is no device of the problem");
        }
    }

    private static void Require(bool holds, string key, object? value, string rule)
    {
        if (!holds)
        {
            throw new InvalidDataException(FormattableString.Invariant($"{key} is {value}: it {rule}"));
        }
    }
}
