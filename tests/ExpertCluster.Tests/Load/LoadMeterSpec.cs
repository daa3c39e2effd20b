using CsCheck;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Moe;

namespace ExpertCluster.Tests.Load;

public sealed class LoadMeterSpec
{
    [Fact]
    public void Rows_are_told_once_each_by_phase()
    {
        var (statistics, time) = (new RouterStatistics(4), Loads.Clock());
        var meter = Meter(statistics, time);
        time.Advance(TimeSpan.FromSeconds(3));
        Answer(statistics, expert: 2, [true, false, true]);
        Answer(statistics, expert: 1, []);
        meter.Collect().Should().ContainSingle().Which.Demand.Should().Equal(new ExpertDemand(1, 1, 3, 0), new ExpertDemand(1, 2, 1, 2));
        meter.Collect().Should().BeEmpty("nothing came since");
        Answer(statistics, expert: 2, [true, true, true]);
        meter.Collect().Should().ContainSingle().Which.Demand.Should().Equal(new ExpertDemand(1, 2, 0, 3));
    }

    [Fact]
    public void Nothing_of_the_warm_up_is_told()
    {
        var (statistics, time) = (new RouterStatistics(4), Loads.Clock());
        var meter = Meter(statistics, time);
        Answer(statistics, expert: 2, []);
        time.Advance(TimeSpan.FromSeconds(1));
        meter.Collect().Should().BeEmpty();
        time.Advance(TimeSpan.FromSeconds(1.5));
        Answer(statistics, expert: 3, []);
        meter.Collect().Should().ContainSingle().Which.Demand.Should().Equal(new ExpertDemand(1, 3, 3, 0));
    }

    [Fact]
    public void No_report_is_larger_than_a_control_message_and_none_of_them_loses_anything() => Gen.Select(
        Gen.Long[0, long.MaxValue], Gen.Int[0, 64], Gen.Int[1, 256], Gen.Int[0, 8000]).Sample(
        (most, layers, experts, replicas) =>
        {
            var demand = Enumerable.Range(0, layers).SelectMany(l => Enumerable.Range(0, experts).Select(e => new ExpertDemand(l, e, most, most / (e + 1))));
            var work = Enumerable.Range(0, replicas).Select(i => new ReplicaWork(new ReplicaId(i % 58, i / 58, i), most, most, most / (i + 1), i));
            var report = new LoadReport(Loads.Node(1), Loads.Model, new DeviceLoad(1, 1, 1), [.. demand], [.. work])
            {
                Batches = [.. Enumerable.Range(0, Math.Min(replicas, 200)).Select(i => new BatchWork(i / 20, i % 20, most, most, most))],
            };
            var pieces = LoadReportCutter.Cut(report).ToArray();
            Assert.All(pieces, piece => Assert.InRange(MessageCodec.ToBytes(piece).Length, 1, 64_000));
            Assert.Equal(report.Demand, pieces.SelectMany(p => p.Demand));
            Assert.Equal(report.Work, pieces.SelectMany(p => p.Work));
            Assert.Equal(report.Batches, pieces.SelectMany(p => p.Batches));
            Assert.Equal(pieces.Length > 0 ? 1 : 0, pieces.Count(p => p.Device is not null));
        },
        iter: 30);

    [Fact]
    public void The_load_of_a_large_model_is_published_under_keys_of_less_than_a_control_message()
    {
        var model = new LoadModel("large", "f", [.. Enumerable.Range(3, 58)], 256);
        var time = Loads.Clock();
        var book = new LoadBook([model], new LoadOptions(), time);
        book.Merge(new LoadReport(
            Loads.Node(0), "large", null, [.. model.Layers.SelectMany(l => Enumerable.Range(0, 256).Select(e => new ExpertDemand(l, e, l * e, e)))], []));
        var parts = LoadKeys.Split(model, book.Snapshot("large")).ToArray();
        parts.Select(p => p.Key).Should().Equal(LoadKeys.Of(model));
        parts.Should().OnlyContain(p => MessageCodec.ToBytes(p.Load).Length < 64_000).And.HaveCountLessThanOrEqualTo(2);
        var next = new LoadBook([model], new LoadOptions(), time);
        parts.Sum(p => next.Restore(p.Load)).Should().Be(58);
        next.Demand("large", 60)[255].Should().BeApproximately(61 * 255, 20);
    }

    internal static void Answer(RouterStatistics statistics, int expert, bool[] generated, int tokens = 3)
    {
        var routing = new RoutingDecision(tokens, 1, Enumerable.Repeat(expert, tokens).ToArray(), new float[tokens]);
        var work = new RouteWork(new RoutedRows(tokens, 2, new float[2 * tokens], routing) { Generated = generated }, "r", DateTimeOffset.MaxValue);
        statistics.Answered(new Segment(work, expert, Enumerable.Range(0, tokens).ToArray()));
    }

    private static LoadMeter Meter(RouterStatistics statistics, TimeProvider time) => new(
        Loads.Node(0), [Loads.Model], [new RoutedModel(Loads.Model, new Dictionary<int, RouterStatistics> { [1] = statistics })], null, new LoadOptions(), time);
}
