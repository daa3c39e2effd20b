using System.Globalization;
using Akka.DistributedData;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>Names under which the balancer publishes load, and how many layers go under one: a key travels as one control message.</summary>
internal static class LoadKeys
{
    /// <summary>Bytes of demand under one key at the most, where one layer does not take more by itself.</summary>
    private const int MostBytes = 60_000;

    /// <summary>The keys of a model.</summary>
    public static IReadOnlyList<LWWRegisterKey<LoadSnapshot>> Of(LoadModel model) =>
        [.. Enumerable.Range(0, (model.Layers.Count + LayersOf(model) - 1) / LayersOf(model)).Select(part => Key(model, part))];

    /// <summary>A model's load, by key.</summary>
    public static IEnumerable<(LWWRegisterKey<LoadSnapshot> Key, LoadSnapshot Load)> Split(LoadModel model, LoadSnapshot load)
    {
        var position = model.Layers.Select((layer, i) => (layer, i)).ToDictionary(l => l.layer, l => l.i);
        return load.Layers.Where(layer => position.ContainsKey(layer.Layer)).GroupBy(layer => position[layer.Layer] / LayersOf(model))
            .Select(part => (Key(model, part.Key), load with { Layers = [.. part] }));
    }

    private static int LayersOf(LoadModel model) => Math.Max(1, MostBytes / ((4 * model.Experts) + 16));

    private static LWWRegisterKey<LoadSnapshot> Key(LoadModel model, int part) =>
        new(part == 0 ? $"load/{model.Name}" : string.Create(CultureInfo.InvariantCulture, $"load/{model.Name}/{part}"));
}
