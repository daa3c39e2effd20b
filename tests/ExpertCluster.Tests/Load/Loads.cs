using System.Globalization;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Time.Testing;

namespace ExpertCluster.Tests.Load;

/// <summary>Small loads to test with: one model of two layers and four experts.</summary>
internal static class Loads
{
    public const string Model = "m";
    public const int Experts = 4;

    public static LoadModel Known { get; } = new(Model, "f", [1, 3], Experts);

    public static FakeTimeProvider Clock() => new(DateTimeOffset.Parse("2030-01-01T00:00:00Z", CultureInfo.InvariantCulture));

    public static LoadBook Book(TimeProvider time, LoadOptions? options = null) => new([Known], options ?? new LoadOptions(), time);

    public static NodeId Node(int index) => new($"akka.tcp://expertcluster@node{index}:1", index);

    public static LoadReport Report(int node, params ExpertDemand[] demand) => new(Node(node), Model, null, [.. demand], []);

    /// <summary>Rows computed one by one.</summary>
    public static LoadReport Work(int node, long rows, long compute, int layer = 1, int expert = 0) =>
        new(Node(node), Model, new DeviceLoad(1, 0.5, 100), [], [new ReplicaWork(new ReplicaId(layer, expert, 0), rows, compute, 2 * rows, 8 * rows)])
        {
            Batches = [new BatchWork(0, 0, rows, rows, compute)],
        };

    /// <summary>Expert e of layer 1 on the nodes at index e.</summary>
    public static LayerPlacement Placement(params int[][] nodes) => new(Model, 1, 1, nodes.Length, [.. nodes.SelectMany((on, expert) =>
        on.Select((node, copy) => new ReplicaPlacement(new ReplicaId(1, expert, copy), Node(node), ReplicaState.Ready)))]);
}
