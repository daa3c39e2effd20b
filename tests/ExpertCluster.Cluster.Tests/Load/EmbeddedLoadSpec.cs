using System.Text.Json;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Cluster.Tests.Embedded;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Cluster.Tests.Load;

public sealed class EmbeddedLoadSpec : IDisposable
{
    private const int Answer = 12;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("expertcluster-load-");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_a_gateway_answers_reaches_store_and_trace_by_phase_and_nothing_of_the_start_does()
    {
        var (path, trace) = (Path.Combine(_folder.FullName, "store.db"), Path.Combine(_folder.FullName, "trace.jsonl"));
        string fingerprint;
        int prompt, topK;
        int[] layers;
        await using (var cluster = await FolioCluster.StartAsync(
            2,
            configure: (index, node) =>
            {
                node.Load.WarmUp = TimeSpan.Zero;
                node.Load.ReportInterval = TimeSpan.FromMilliseconds(100);
                node.Load.SnapshotInterval = TimeSpan.FromSeconds(1);
                node.Load.HalfLife = TimeSpan.FromDays(1);
                node.Load.RecordPath = index == 0 ? trace : null;
                node.Balancer.RetryInterval = TimeSpan.FromMilliseconds(100);
                node.Store.Path = index == 0 ? path : "none";
            },
            cancellationToken: Stop))
        {
            layers = [.. cluster.Model.Shape.MoeLayers];
            cluster.Model.Experts.Statistics(layers[0]).Rows().Should().OnlyContain(rows => rows == 0, "warm-up and probes do not go through routers");
            var ids = cluster.Model.Encode("ROMEO: what say you?");
            prompt = ids.Count;
            await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(ids, Answer), cancellationToken: Stop);
            topK = (int)(cluster.Model.Experts.Statistics(layers[0]).Rows().Sum() / (prompt + Answer - 1));
            fingerprint = cluster.Gateway.Models[0].Checkpoint.Fingerprint;
            foreach (var layer in layers)
            {
                var statistics = cluster.Model.Experts.Statistics(layer);
                Enumerable.Range(0, statistics.Experts).Sum(statistics.PrefillRows).Should().Be(prompt * topK);
                Enumerable.Range(0, statistics.Experts).Sum(statistics.DecodeRows).Should().Be((Answer - 1) * topK);
            }

            await Eventually.HoldsAsync(
                () => cluster.Gateway.LoadStore?.Load("folio-moe", fingerprint) is { } load
                    && load.Layers.Length == layers.Length, "the balancer saved the load of all layers");
        }

        await using var store = BalancerStore.Open(path, 10, TimeProvider.System, NullLogger.Instance);
        store.IsInMemory.Should().BeFalse();
        foreach (var layer in store.Load("folio-moe", fingerprint)!.Layers)
        {
            var rows = DemandFractions.Unpack(layer, 8)!;
            rows.Take(8).Sum().Should().BeApproximately(prompt * topK, 1);
            rows.Skip(8).Sum().Should().BeApproximately((Answer - 1) * topK, 1);
        }

        store.Placement("folio-moe", fingerprint).Should().HaveCount(layers.Length);
        var lines = File.ReadAllLines(trace).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        lines[0].GetProperty("experts").GetInt32().Should().Be(8);
        Sum("prefill").Should().Be(prompt * topK * layers.Length);
        Sum("decode").Should().Be((Answer - 1) * topK * layers.Length);

        long Sum(string phase) => lines.Skip(1).Sum(line => line.GetProperty(phase).EnumerateArray().Sum(n => n.GetInt64()));
    }
}
