using System.Diagnostics;
using System.Text.Json.Nodes;
using ExpertCluster.Contracts;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>How long a plan for everything takes, and its publication to every node; and what a placement takes there.</summary>
/// <param name="PlanSeconds">The balancer's time for a plan of all layers, asked over the cluster.</param>
/// <param name="PublishSeconds">From the order to publish all layers anew until every node's board has every layer of the new epoch.</param>
/// <param name="BytesPerNode">Bytes of all layers as they are sent to each node.</param>
/// <param name="LargestLayerBytes">Bytes of the largest one; it must fit into a frame.</param>
internal sealed record PlacementPublication(double PlanSeconds, double PublishSeconds, long BytesPerNode, long LargestLayerBytes)
{
    public static async Task<PlacementPublication> MeasureAsync(EmbeddedCluster cluster, CancellationToken cancellationToken)
    {
        var operations = cluster.Gateway.Operations!;
        var model = cluster.Gateway.Models[0];
        var clock = Stopwatch.StartNew();
        await operations.OperateAsync("dry-run", "", cancellationToken);
        var planned = clock.Elapsed.TotalSeconds;

        clock.Restart();
        var answer = JsonNode.Parse(await operations.OperateAsync("republish", "", cancellationToken))!;
        var epoch = answer["epoch"]!.GetValue<long>();
        foreach (var runtime in cluster.Runtimes)
        {
            while (true)
            {
                var change = runtime.Board.NextChange;
                if (model.Layers.All(layer => runtime.Board.Routes(model.Name, layer)?.Placement.Epoch >= epoch))
                {
                    break;
                }

                await change.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
            }
        }

        var published = clock.Elapsed.TotalSeconds;
        var sizes = model.Layers.Select(layer => (long)MessageCodec.ToBytes(cluster.Gateway.Board.Routes(model.Name, layer)!.Placement).Length).ToList();
        return new PlacementPublication(planned, published, sizes.Sum(), sizes.Max());
    }
}
