using CsCheck;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Load;

public sealed class NodeSpeedSpec
{
    // What a product of r rows costs: something fixed, and something for each row.
    private static readonly Gen<(double Fixed, double Row)> Costs = Gen.Select(Gen.Double[0, 1000], Gen.Double[1, 200]);

    // Of each node: how many batches of how many experts and rows.
    private static readonly Gen<(int Experts, int Rows, int Count)[]> Mix =
        Gen.Select(Gen.Int[1, 8], Gen.Int[0, 6].SelectMany(log => Gen.Int[1 << log, (2 << log) - 1]), Gen.Int[1, 200]).Array[1, 12];

    [Fact]
    public void Equal_nodes_have_speeds_of_about_1_whatever_their_mixes_of_batches_and_a_slow_one_stands_out() =>
        Gen.Select(Costs, Mix.Array[3, 6], Gen.OneOf(1d, 2, 4, 10)).Sample((cost, mixes, slower) =>
        {
            var book = Loads.Book(Loads.Clock());
            for (var node = 0; node < mixes.Length; node++)
            {
                book.Merge(Report(node, mixes[node], (experts, rows) => experts * (cost.Fixed + (cost.Row * rows)) * (node == 0 ? slower : 1)));
            }

            for (var node = 0; node < mixes.Length; node++)
            {
                var speed = book.NodeSpeed(Loads.Node(node));

                // Where nothing is comparable a slow node passes for one as usual, but never the other way round.
                var expected = node == 0 && speed != 1 ? 1 / slower : 1;
                Assert.InRange(speed / expected, 1 / 1.45, 1.45);
            }
        });

    [Fact]
    public void Where_nodes_share_a_range_of_sizes_speeds_are_within_a_tenth() =>
        Gen.Select(Costs, Gen.Int[20, 500].Array[7].Array[3, 6], Gen.OneOf(1d, 2, 4, 10)).Sample((cost, counts, slower) =>
        {
            // Few rows on one node, many on another: weights of all kinds, and none missing.
            var book = Loads.Book(Loads.Clock());
            for (var node = 0; node < counts.Length; node++)
            {
                var mix = counts[node].Select((count, log) => (1, (1 << log) + ((node % 2) * ((1 << log) - 1)), count)).ToArray();
                book.Merge(Report(node, mix, (_, rows) => (cost.Fixed + (cost.Row * rows)) * (node == 0 ? slower : 1)));
            }

            for (var node = 0; node < counts.Length; node++)
            {
                Assert.InRange(book.NodeSpeed(Loads.Node(node)) * (node == 0 ? slower : 1), 0.9, 1.1);
            }
        });

    [Fact]
    public void A_node_with_single_rows_is_not_slow_beside_nodes_with_eight_together()
    {
        var book = Loads.Book(Loads.Clock());
        for (var node = 0; node < 4; node++)
        {
            // 100 µs for one row, 160 µs for eight: five times as long for a row.
            book.Merge(Loads.Report(node) with
            {
                Batches = node == 0
                    ? [new(0, 0, 2000, 2000, 200_000), new(0, 3, 50, 400, 8_000)]
                    : [new(0, 0, 50, 50, 5_000), new(0, 3, 2000, 16_000, 320_000)],
            });
        }

        Enumerable.Range(0, 4).Select(node => book.NodeSpeed(Loads.Node(node))).Should().AllSatisfy(speed => speed.Should().BeApproximately(1, 1e-9));
    }

    [Fact]
    public void Kinds_of_batches_that_too_few_nodes_had_or_had_too_rarely_are_not_compared()
    {
        var book = Loads.Book(Loads.Clock());
        book.Merge(Loads.Report(0) with { Batches = [new(0, 0, 1000, 1000, 100_000)] });
        book.Merge(Loads.Report(1) with { Batches = [new(0, 0, 1000, 1000, 900_000)] });
        book.NodeSpeed(Loads.Node(1)).Should().BeApproximately(1 / 9d, 1e-9, "both of two had it");
        book.Merge(Loads.Report(2) with { Batches = [new(0, 4, 1000, 16_000, 100_000), new(0, 0, 19, 19, 1_900)] });
        book.NodeSpeed(Loads.Node(1)).Should().Be(1, "two of three had it often enough");
        book.Merge(Loads.Report(2) with { Batches = [new(0, 0, 1, 1, 100)] });
        book.NodeSpeed(Loads.Node(1)).Should().BeApproximately(1 / 9d, 1e-9);
        book.NodeSpeed(Loads.Node(2)).Should().Be(1, "it has 20 rows to compare");
    }

    private static LoadReport Report(int node, (int Experts, int Rows, int Count)[] mix, Func<int, int, double> cost)
    {
        var counters = new BatchCounters();
        foreach (var (experts, rows, count) in mix)
        {
            for (var i = 0; i < count; i++)
            {
                counters.Add(Loads.Model, experts, experts * rows, TimeSpan.FromMicroseconds(cost(experts, rows)));
            }
        }

        return Loads.Report(node) with { Batches = [.. counters.Take()[Loads.Model]] };
    }
}
