using CsCheck;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Load;

public sealed class LoadBookSpec
{
    private static readonly Gen<LoadReport> Reports = Gen.Select(
        Gen.Int[0, 3],
        Gen.Select(Gen.OneOf(1, 3), Gen.Int[0, 3], Gen.Long[0, 10_000], Gen.Long[0, 10_000], (l, e, p, d) => new ExpertDemand(l, e, p, d)).Array[0, 6],
        Gen.Select(Gen.Int[0, 3], Gen.Long[0, 1000], Gen.Long[0, 100_000], (e, r, c) => new ReplicaWork(new ReplicaId(1, e, 0), r, c, c, r)).Array[0, 4],
        Gen.Select(Gen.Int[0, 1], Gen.Int[0, 2], Gen.Long[1, 300], Gen.Long[1, 100_000], (t, s, n, c) => new BatchWork(t, s, n, n << s, c)).Array[0, 4],
        (node, demand, work, batches) =>
            new LoadReport(Loads.Node(node), Loads.Model, null, [.. demand], [.. work]) { Batches = [.. batches] });

    [Fact]
    public void The_latest_demand_forgets_the_former_load_five_times_as_fast()
    {
        var time = Loads.Clock();
        var book = Loads.Book(time);
        book.Merge(Loads.Report(0, new ExpertDemand(1, 2, 1024, 0)));
        time.Advance(new LoadOptions().HalfLife * 2);
        Assert.Equal(256, book.Demand(Loads.Model, 1)[2], 6);
        Assert.Equal(1, book.LatestDemand(Loads.Model, 1)[2], 6);
    }

    [Fact]
    public void Half_of_a_count_is_left_after_each_half_life_however_often_one_looks() =>
        Gen.Select(Gen.Double[0, 300], Gen.Int[1, 20], Gen.Long[1, 1_000_000]).Sample((seconds, looks, rows) =>
        {
            var time = Loads.Clock();
            var book = Loads.Book(time);
            book.Merge(Loads.Report(0, new ExpertDemand(1, 2, rows, 0)));
            var left = TimeSpan.FromSeconds(seconds);
            for (var i = 0; i < looks; i++)
            {
                time.Advance(left / looks);
                _ = book.Demand(Loads.Model, 1);
            }

            var expected = rows * Math.Pow(2, -(left / looks * looks).TotalSeconds / new LoadOptions().HalfLife.TotalSeconds);
            Assert.Equal(1, book.Demand(Loads.Model, 1)[2] / expected, 9);
        });

    [Fact]
    public void The_order_of_reports_makes_no_difference() => Gen.Select(Reports.Array[1, 8], Gen.Int).Sample((reports, seed) =>
    {
        var time = Loads.Clock();
        var (one, other) = (Loads.Book(time), Loads.Book(time));
        var shuffled = reports.ToArray();
        new Random(seed).Shuffle(shuffled);
        Array.ForEach(reports, one.Merge);
        Array.ForEach(shuffled, other.Merge);
        time.Advance(TimeSpan.FromSeconds(7));
        foreach (var layer in Loads.Known.Layers)
        {
            Assert.All(one.Demand(Loads.Model, layer).Zip(other.Demand(Loads.Model, layer)), d => Assert.Equal(d.First, d.Second, 1e-6));
        }

        Assert.All(Enumerable.Range(0, 4), node => Assert.Equal(one.NodeSpeed(Loads.Node(node)), other.NodeSpeed(Loads.Node(node)), 1e-9));
    });

    [Fact]
    public void Phases_are_kept_apart_and_weighed_together()
    {
        var book = Loads.Book(Loads.Clock(), new LoadOptions { DecodeWeight = 3 });
        book.Merge(Loads.Report(0, new ExpertDemand(3, 1, 10, 4), new ExpertDemand(3, 2, 0, 5)));
        book.Demand(Loads.Model, 3, LoadPhase.Prefill).Should().Equal(0, 10, 0, 0);
        book.Demand(Loads.Model, 3, LoadPhase.Decode).Should().Equal(0, 4, 5, 0);
        book.Demand(Loads.Model, 3).Should().Equal(0, 22, 15, 0);
        book.Tokens(Loads.Model, 3).Should().Be(19);
        book.EnoughData(Loads.Model, 3, 19).Should().BeTrue();
        book.EnoughData(Loads.Model, 3, 20).Should().BeFalse();
    }

    [Fact]
    public void What_is_reported_of_no_known_expert_or_below_zero_is_left_out()
    {
        var book = Loads.Book(Loads.Clock());
        book.Merge(Loads.Report(0, new(1, -1, 5, 5), new(1, 4, 5, 5), new(2, 0, 5, 5), new(1, 0, -5, -5)));
        book.Merge(Loads.Report(0, new ExpertDemand(1, 0, 5, 5)) with { Model = "other" });
        book.Tokens(Loads.Model, 1).Should().Be(0);
    }

    [Fact]
    public void A_node_that_takes_twice_the_time_for_a_row_has_half_the_speed_once_it_has_enough_rows()
    {
        var book = Loads.Book(Loads.Clock());
        book.Merge(Loads.Work(0, 1000, 5000));
        book.Merge(Loads.Work(1, 2000, 10_000));
        book.Merge(Loads.Work(2, 499, 4990));
        book.NodeSpeed(Loads.Node(2)).Should().Be(1, "of 499 rows nothing is known");
        book.Merge(Loads.Work(2, 1, 10));
        book.NodeSpeed(Loads.Node(2)).Should().BeApproximately(0.5, 1e-9);
        book.NodeSpeed(Loads.Node(0)).Should().BeApproximately(1, 1e-9);
        book.NodeSpeed(Loads.Node(9)).Should().Be(1);
    }

    [Fact]
    public void Of_two_nodes_one_can_be_slow()
    {
        var book = Loads.Book(Loads.Clock());
        book.Merge(Loads.Work(0, 1000, 1000));
        book.Merge(Loads.Work(1, 1000, 10_000));
        book.NodeSpeed(Loads.Node(1)).Should().BeApproximately(0.1, 1e-9);
        book.NodeSpeed(Loads.Node(0)).Should().BeApproximately(1, 1e-9);
    }

    [Fact]
    public void Balancedness_lies_in_0_to_1() => Gen.Select(
        Gen.Double[0, 1000].Array[6], Gen.Int[0, 4].Array[1, 3].Array[6], Gen.Double[0.05, 20].Array[5]).Sample((demand, nodes, speeds) =>
        {
            var placement = Loads.Placement([.. nodes.Select(on => on.Distinct().ToArray())]);
            var loads = LayerBalance.NodeLoads(placement, demand);
            var all = Enumerable.Range(0, 5).Select(Loads.Node).ToArray();
            Assert.Equal(demand.Sum(), loads.Values.Sum(), 1e-6);
            var value = LayerBalance.Of(loads, all, node => speeds[node.Incarnation]);
            Assert.True(value is > 0 and <= 1, $"{value}");
            var even = LayerBalance.Of(loads, all);
            Assert.True(even <= LayerBalance.Bound(demand, 3, 5) + 1e-9, $"{even} passes the bound");
        });

    [Fact]
    public void Balancedness_is_the_mean_of_node_loads_over_the_largest_and_copies_share()
    {
        var placement = Loads.Placement([0, 1], [1], [2], []);
        LayerBalance.NodeLoads(placement, [60, 10, 20, 5]).Should().BeEquivalentTo(
            new Dictionary<NodeId, double> { [Loads.Node(0)] = 30, [Loads.Node(1)] = 40, [Loads.Node(2)] = 20 });
        LayerBalance.Of(LayerBalance.NodeLoads(placement, [60, 10, 20, 5]), [Loads.Node(0), Loads.Node(1), Loads.Node(2)]).Should().Be(0.75);
        LayerBalance.Of(new Dictionary<NodeId, double>(), [Loads.Node(0)]).Should().Be(1, "nothing is demanded");
    }

    [Fact]
    public void A_slow_node_with_an_even_share_makes_a_layer_unbalanced()
    {
        var book = Loads.Book(Loads.Clock());
        book.Merge(Loads.Report(0, [.. Enumerable.Range(0, 4).Select(e => new ExpertDemand(1, e, 100, 0))]));
        for (var node = 0; node < 4; node++)
        {
            book.Merge(Loads.Work(node, 1000, node == 3 ? 4000 : 1000));
        }

        Loads.Node(3).Should().Match<NodeId>(slow => Math.Abs(book.NodeSpeed(slow) - 0.25) < 1e-9);
        book.Balancedness(Loads.Placement([0], [1], [2], [3]), [.. Enumerable.Range(0, 4).Select(Loads.Node)])
            .Should().BeApproximately(400 / 3.25 / 400, 1e-9);
    }

    [Fact]
    public void A_node_that_is_gone_is_forgotten_and_its_demand_is_not()
    {
        var book = Loads.Book(Loads.Clock());
        book.Merge(Loads.Work(0, 1000, 1000));
        book.Merge(Loads.Work(1, 1000, 5000));
        book.Merge(Loads.Report(1, new ExpertDemand(1, 0, 7, 0)));
        book.Keep(new HashSet<NodeId> { Loads.Node(0) });
        book.NodeSpeed(Loads.Node(1)).Should().Be(1);
        book.Device(Loads.Node(1)).Should().BeNull();
        book.Work(Loads.Model).Should().ContainSingle().Which.Should().Be(new ReplicaLoad(Loads.Node(0), new ReplicaId(1, 0, 0), 1000, 1000, 2000, 8000));
        book.Tokens(Loads.Model, 1).Should().Be(7);
    }

    [Fact]
    public void A_snapshot_restores_demand_to_a_thousandth_as_if_no_time_had_passed() => Reports.Array[1, 5].Sample(reports =>
    {
        var time = Loads.Clock();
        var book = Loads.Book(time);
        Array.ForEach(reports, book.Merge);
        var message = MessageCodec.ToBytes(book.Snapshot(Loads.Model));
        time.Advance(TimeSpan.FromDays(3));
        var next = Loads.Book(time);
        next.Restore((LoadSnapshot)MessageCodec.FromBytes(message, "K"));
        foreach (var (layer, phase) in Loads.Known.Layers.SelectMany(l => Enum.GetValues<LoadPhase>().Select(p => (l, p))))
        {
            var expected = new double[Loads.Experts];
            foreach (var demand in reports.SelectMany(r => r.Demand).Where(d => d.Layer == layer))
            {
                expected[demand.Expert] += phase == LoadPhase.Prefill ? demand.Prefill : demand.Decode;
            }

            Assert.All(expected.Zip(next.Demand(Loads.Model, layer, phase)), d => Assert.Equal(d.First, d.Second, (d.First * 1e-3) + 0.01));
        }
    });

    [Fact]
    public void The_newest_snapshot_counts_beside_what_was_reported_since()
    {
        var time = Loads.Clock();
        var book = Loads.Book(time);
        book.Merge(Loads.Report(0, new ExpertDemand(1, 0, 100, 0)));
        var older = book.Snapshot(Loads.Model);
        var newer = older with { At = older.At.AddSeconds(1), Layers = [older.Layers[0] with { Scale = 40 }] };
        var next = Loads.Book(time);
        next.Merge(Loads.Report(0, new ExpertDemand(1, 0, 1, 0)));
        next.Restore(newer).Should().Be(1);
        next.Restore(older).Should().Be(0, "something newer is known");
        next.Demand(Loads.Model, 1)[0].Should().Be(41);
    }

    [Fact]
    public void A_snapshot_of_another_checkpoint_or_without_sense_is_left_out()
    {
        var book = Loads.Book(Loads.Clock());
        book.Merge(Loads.Report(0, new ExpertDemand(1, 0, 100, 0)));
        var good = book.Snapshot(Loads.Model);
        var next = Loads.Book(Loads.Clock());
        next.Restore(good with { Fingerprint = "other" }).Should().Be(0);
        next.Restore(good with { Layers = [good.Layers[0] with { Scale = double.NaN }] }).Should().Be(0);
        next.Restore(good with { Layers = [good.Layers[0] with { Fractions = new byte[4] }] }).Should().Be(0);
        next.Restore(good with { Layers = [good.Layers[0] with { Layer = 2 }] }).Should().Be(0);
        next.Tokens(Loads.Model, 1).Should().Be(0);
    }
}
