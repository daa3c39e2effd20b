using CsCheck;
using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Contracts;
using ExpertCluster.Moe.Placement;

namespace ExpertCluster.Tests.Planning;

public sealed class StaticPlannerSpec
{
    private const long ExpertBytes = 10;

    private static readonly Gen<PlanRequest> Requests = Gen.Select(
        Gen.Select(Gen.OneOf(0.5, 1, 1, 2, 4), Gen.Long[0, 120], Gen.Int[0, 5]).Array[0, 6],
        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 8], Gen.Int[1, 3], Gen.Bool),
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 7], Gen.Int[0, 6]).Array[0, 6],
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 7], Gen.Int[0, 6]).Array[0, 6],
        (nodes, size, present, excluded) => new PlanRequest(
            [.. nodes.Select((n, i) => new PlanNode(Node(i), n.Item1, n.Item2, n.Item3))],
            [.. present.Distinct().Select(p => (p.Item1, p.Item2, Node(p.Item3)))],
            Wanted(size.Item1, size.Item2, size.Item3),
            ExpertBytes,
            excluded.Select(e => (e.Item1, e.Item2, Node(e.Item3))).ToHashSet(),
            size.Item4 ? ExpertColocation.SameIndex([.. Enumerable.Range(0, size.Item1)], size.Item2) : null));

    [Fact]
    public void No_node_is_given_more_than_its_free_bytes() => Requests.Sample(request =>
    {
        var taken = StaticPlanner.Plan(request).Assigned.GroupBy(a => a.Node).ToDictionary(g => g.Key, g => g.Count() * ExpertBytes);
        Assert.All(request.Nodes, node => Assert.True(taken.GetValueOrDefault(node.Node) <= node.FreeBytes));
        Assert.Empty(taken.Keys.Except(request.Nodes.Select(n => n.Node)));
    });

    [Fact]
    public void No_node_holds_two_replicas_of_an_expert() => Requests.Sample(request =>
    {
        var all = request.Present.Concat(StaticPlanner.Plan(request).Assigned).ToList();
        Assert.Equal(all.Distinct().Count(), all.Count);
    });

    [Fact]
    public void Whatever_is_wanted_is_assigned_or_unplaced_with_a_reason() => Requests.Sample(request =>
    {
        var plan = StaticPlanner.Plan(request);
        Assert.Equal(
            request.Wanted.Order(),
            plan.Assigned.Select(a => (a.Layer, a.Expert)).Concat(plan.Unplaced.Select(u => (u.Layer, u.Expert))).Order());
        Assert.All(plan.Unplaced, u => Assert.False(string.IsNullOrWhiteSpace(u.Reason)));
    });

    [Fact]
    public void What_is_unplaced_fits_no_node() => Requests.Sample(request =>
    {
        var plan = StaticPlanner.Plan(request);
        var left = request.Nodes.ToDictionary(n => n.Node, n => n.FreeBytes - (ExpertBytes * plan.Assigned.Count(a => a.Node == n.Node)));
        var held = request.Present.Concat(plan.Assigned).ToHashSet();
        Assert.All(plan.Unplaced, u => Assert.DoesNotContain(request.Nodes, n => left[n.Node] >= ExpertBytes
            && !held.Contains((u.Layer, u.Expert, n.Node)) && !request.Excluded.Contains((u.Layer, u.Expert, n.Node))));
    });

    [Fact]
    public void No_expert_goes_to_a_node_it_is_excluded_from() => Requests.Sample(request =>
        Assert.Empty(StaticPlanner.Plan(request).Assigned.Intersect(request.Excluded)));

    [Fact]
    public void The_plan_does_not_depend_on_the_order_in_which_nodes_and_replicas_are_given() =>
        Gen.Select(Requests, Gen.Int).Sample((request, seed) =>
        {
            var random = new Random(seed);
            var (nodes, present) = (request.Nodes.ToArray(), request.Present.ToArray());
            random.Shuffle(nodes);
            random.Shuffle(present);
            var plan = StaticPlanner.Plan(request);
            var again = StaticPlanner.Plan(request with { Nodes = nodes, Present = present });
            Assert.Equal(plan.Assigned, again.Assigned);
            Assert.Equal(plan.Unplaced, again.Unplaced);
        });

    [Fact]
    public void Nodes_of_equal_weight_get_equal_shares_of_every_layer() =>
        Gen.Select(Gen.Int[1, 7], Gen.Int[1, 4], Gen.Int[1, 40], Gen.Double[0.1, 100]).Sample((nodes, layers, experts, weight) =>
            Assert.All(PerLayer(Enumerable.Repeat(weight, nodes).ToArray(), layers, experts), counts => Assert.InRange(counts.Max() - counts.Min(), 0, 1)));

    [Fact]
    public void Two_nodes_share_every_layer_in_proportion_to_their_weights_within_one() =>
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 20], Gen.Int[1, 4], Gen.Int[1, 60]).Sample((a, b, layers, experts) =>
            Assert.All(PerLayer([a, b], layers, experts), counts =>
                Assert.InRange(counts[0], Math.Ceiling(((double)experts * a / (a + b)) - 1), Math.Floor(((double)experts * a / (a + b)) + 1))));

    [Fact]
    public void No_node_of_a_layer_is_busier_than_the_idlest_would_be_with_one_more() =>
        Gen.Select(Gen.Int[1, 20].Array[1, 7], Gen.Int[1, 3], Gen.Int[1, 60]).Sample((weights, layers, experts) =>
            Assert.All(PerLayer([.. weights.Select(w => (double)w)], layers, experts), counts =>
            {
                // The slowest node decides how long a layer takes, so its load per weight is what counts; no share falls below its floor.
                var busiest = counts.Select((c, i) => c / (double)weights[i]).Max();
                var idlest = counts.Select((c, i) => (c + 1) / (double)weights[i]).Min();
                Assert.True(busiest <= idlest + 1e-9, $"{string.Join(' ', counts)} for weights {string.Join(' ', weights)}");
                Assert.All(counts, (c, i) => Assert.True(c >= (experts * weights[i] / weights.Sum())));
            }));

    [Fact]
    public void Layers_with_a_remainder_give_it_to_different_nodes()
    {
        var totals = new int[3];
        foreach (var counts in PerLayer([1, 1, 1], 3, 4))
        {
            for (var i = 0; i < 3; i++)
            {
                totals[i] += counts[i];
            }
        }

        totals.Should().Equal(4, 4, 4);
    }

    [Fact]
    public void The_reasons_name_what_stands_in_the_way()
    {
        Reason([], []).Should().Be("there is no expert node");
        Reason([new(Node(0), 1, 9, 0)], []).Should().Contain("an expert takes 10 bytes").And.Contain("node0:1: 9");
        Reason([new(Node(0), 1, 100, 0), new(Node(1), 1, 5, 0)], [(0, 0, Node(0))]).Should().Contain("1 of 2 nodes hold it already").And.Contain("1 are full");
    }

    private static string Reason(PlanNode[] nodes, (int, int, NodeId)[] present) => StaticPlanner.Plan(
            new PlanRequest(nodes, present, [(0, 0)], ExpertBytes, new HashSet<(int, int, NodeId)>())).Unplaced.Should().ContainSingle().Which.Reason;

    private static IEnumerable<int[]> PerLayer(double[] weights, int layers, int experts)
    {
        var nodes = weights.Select((w, i) => new PlanNode(Node(i), w, long.MaxValue / 2, 0)).ToArray();
        var plan = StaticPlanner.Plan(new PlanRequest(nodes, [], Wanted(layers, experts, 1), ExpertBytes, new HashSet<(int, int, NodeId)>()));
        return Enumerable.Range(0, layers).Select(l => nodes.Select(n => plan.Assigned.Count(a => a.Layer == l && a.Node == n.Node)).ToArray());
    }

    private static (int Layer, int Expert)[] Wanted(int layers, int experts, int copies) =>
        [.. Enumerable.Range(0, copies).SelectMany(_ => Enumerable.Range(0, layers)).SelectMany(l => Enumerable.Range(0, experts).Select(e => (l, e)))];

    private static NodeId Node(int index) => new($"akka.tcp://expertcluster@node{index}:1", index);
}
