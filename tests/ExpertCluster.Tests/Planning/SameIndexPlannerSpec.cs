using CsCheck;
using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Contracts;
using ExpertCluster.Moe.Placement;

namespace ExpertCluster.Tests.Planning;

/// <summary>The hint that same-index experts of all layers share a node. Hard limits with it are in <see cref="StaticPlannerSpec"/>.</summary>
public sealed class SameIndexPlannerSpec
{
    private const long ExpertBytes = 10;
    private const long Plenty = long.MaxValue / 2;

    [Fact]
    public void Same_index_experts_share_a_node_whenever_whole_columns_fit() =>
        Gen.Select(Gen.Select(Gen.OneOf(0.5, 1, 1, 3), Gen.Long[0, 200], Gen.Int[0, 5]).Array[1, 6], Gen.Int[1, 4], Gen.Int[1, 12]).Sample((nodes, layers, experts) =>
        {
            var plan = Plan([.. nodes.Select((n, i) => new PlanNode(Node(i), n.Item1, n.Item2, n.Item3))], layers, experts);
            var fitting = nodes.Sum(n => n.Item2 / (ExpertBytes * layers));
            var whole = plan.Assigned.GroupBy(a => a.Expert).Count(g => g.Count() == layers && g.Select(a => a.Node).Distinct().Count() == 1);
            Assert.True(whole >= Math.Min(fitting, experts), $"{whole} of {experts} columns are whole, {fitting} fit");
        });

    [Fact]
    public void A_column_that_fits_nowhere_is_split_rather_than_left_out() =>
        Gen.Select(Gen.Int[0, 9].Array[1, 6], Gen.Int[2, 4], Gen.Int[1, 8]).Sample((slots, layers, experts) =>
        {
            var plan = Plan([.. slots.Select((s, i) => new PlanNode(Node(i), 1, s * ExpertBytes, 0))], layers, experts);
            Assert.Equal(Math.Min(slots.Sum(), layers * experts), plan.Assigned.Count);
        });

    [Fact]
    public void Every_copy_of_a_column_is_together_on_a_node_of_its_own() =>
        Gen.Select(Gen.Int[1, 6], Gen.Int[1, 4], Gen.Int[1, 12], Gen.Int[1, 3]).Sample((nodes, layers, experts, copies) =>
        {
            var plan = Plan(Nodes(nodes), layers, experts, copies);
            AssertTogether(plan.Assigned, layers, Math.Min(copies, nodes));
        });

    [Fact]
    public void Nodes_of_equal_weight_get_equal_numbers_of_columns() =>
        Gen.Select(Gen.Int[1, 7], Gen.Int[1, 4], Gen.Int[1, 40]).Sample((nodes, layers, experts) =>
        {
            var plan = Plan(Nodes(nodes), layers, experts);
            var counts = Enumerable.Range(0, nodes).Select(i => plan.Assigned.Count(a => a.Node == Node(i))).ToArray();
            Assert.InRange(counts.Max() - counts.Min(), 0, layers);
        });

    [Fact]
    public void Two_nodes_share_columns_in_proportion_to_their_weights_within_one() =>
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 20], Gen.Int[1, 4], Gen.Int[1, 60]).Sample((a, b, layers, experts) =>
        {
            var plan = Plan([new(Node(0), a, Plenty, 0), new(Node(1), b, Plenty, 0)], layers, experts);
            var share = (double)experts * a / (a + b);
            Assert.InRange(plan.Assigned.Count(x => x.Layer == 0 && x.Node == Node(0)), Math.Ceiling(share - 1), Math.Floor(share + 1));
        });

    [Fact]
    public void What_a_lost_node_held_goes_to_others_column_by_column() =>
        Gen.Select(Gen.Int[2, 6], Gen.Int[1, 4], Gen.Int[1, 12], Gen.Int[1, 3]).Sample((nodes, layers, experts, copies) =>
        {
            var placement = Placement(layers, experts);
            Place(placement, Nodes(nodes), copies);
            foreach (var lost in placement.Replicas.Where(e => e.Node == Node(0)).ToArray())
            {
                placement.Remove(lost);
            }

            Place(placement, Nodes(nodes)[1..], copies);
            var all = placement.Replicas.Select(e => (e.Replica.Layer, e.Replica.Expert, e.Node)).ToArray();
            AssertTogether(all, layers, Math.Min(copies, nodes - 1));
            var counts = Enumerable.Range(1, nodes - 1).Select(i => all.Count(a => a.Node == Node(i))).ToArray();
            Assert.True(copies > 1 || counts.Max() - counts.Min() <= layers, "only another copy keeps a column from the idlest node");
        });

    [Fact]
    public void A_node_that_gives_its_replicas_up_one_by_one_leaves_whole_columns_elsewhere() =>
        Gen.Select(Gen.Int[2, 6], Gen.Int[1, 4], Gen.Int[1, 12], Gen.Int[1, 3], Gen.Int).Sample((nodes, layers, experts, copies, seed) =>
        {
            var placement = Placement(layers, experts);
            Place(placement, Nodes(nodes), copies);
            var leaving = placement.Replicas.Where(e => e.Node == Node(0)).ToArray();
            new Random(seed).Shuffle(leaving);
            var excluded = new HashSet<(int, int, NodeId)>();
            foreach (var entry in leaving)
            {
                placement.Remove(entry);
                excluded.Add((entry.Replica.Layer, entry.Replica.Expert, Node(0)));
                Place(placement, Nodes(nodes), copies, excluded);
            }

            AssertTogether([.. placement.Replicas.Select(e => (e.Replica.Layer, e.Replica.Expert, e.Node))], layers, Math.Min(copies, nodes - 1));
        });

    [Fact]
    public void A_second_copy_takes_no_room_that_a_first_one_needs() =>
        Gen.Select(Gen.Int[0, 12].Array[1, 6], Gen.Int[1, 4], Gen.Int[1, 8], Gen.Int[2, 3]).Sample((slots, layers, experts, copies) =>
        {
            var plan = Plan([.. slots.Select((s, i) => new PlanNode(Node(i), 1, s * ExpertBytes, 0))], layers, experts, copies);
            Assert.Equal(Math.Min(slots.Sum(), layers * experts), plan.Assigned.Select(a => (a.Layer, a.Expert)).Distinct().Count());
        });

    [Fact]
    public void A_hole_in_a_column_is_filled_where_the_rest_of_it_is()
    {
        var nodes = Nodes(3);
        var present = new[] { (0, 1, Node(2)), (2, 1, Node(2)), (0, 0, Node(2)), (2, 0, Node(2)) };
        var request = new PlanRequest(nodes, present, [(1, 1)], ExpertBytes, new HashSet<(int, int, NodeId)>(), ExpertColocation.SameIndex([0, 1, 2], 2));
        StaticPlanner.Plan(request).Assigned.Should().Equal((1, 1, Node(2)));
        StaticPlanner.Plan(request with { Together = null }).Assigned.Should().Equal((1, 1, Node(0)));
        StaticPlanner.Plan(request with { Excluded = new HashSet<(int, int, NodeId)> { (1, 1, Node(2)) } }).Assigned.Should().Equal((1, 1, Node(0)));
        StaticPlanner.Plan(request with { Nodes = [nodes[0], nodes[1], nodes[2] with { FreeBytes = 9 }] }).Assigned.Should().Equal((1, 1, Node(0)));
    }

    private static void AssertTogether(
        IReadOnlyCollection<(int Layer, int Expert, NodeId Node)> placed, int layers, int copies)
    {
        Assert.All(placed.GroupBy(a => a.Expert), index =>
        {
            Assert.Equal(copies, index.Select(a => a.Node).Distinct().Count());
            Assert.All(index.GroupBy(a => a.Node), g => Assert.Equal(layers, g.Count()));
        });
    }

    private static PlanResult Plan(PlanNode[] nodes, int layers, int experts, int copies = 1) => StaticPlanner.Plan(new PlanRequest(
        nodes, [], Placement(layers, experts).Missing(copies), ExpertBytes, new HashSet<(int, int, NodeId)>(),
        ExpertColocation.SameIndex([.. Enumerable.Range(0, layers)], experts)));

    /// <summary>Plans what is missing and assigns it, as the balancer does.</summary>
    private static void Place(ModelPlacement placement, PlanNode[] nodes, int copies, HashSet<(int, int, NodeId)>? excluded = null)
    {
        var plan = StaticPlanner.Plan(new PlanRequest(
            [.. nodes.Select(n => n with { Held = placement.Replicas.Count(e => e.Node == n.Node) })],
            [.. placement.Replicas.Select(e => (e.Replica.Layer, e.Replica.Expert, e.Node))],
            placement.Missing(copies), ExpertBytes, excluded ?? [], placement.Together));
        foreach (var (layer, expert, node) in plan.Assigned)
        {
            placement.Assign(layer, expert, node);
        }
    }

    private static ModelPlacement Placement(int layers, int experts)
    {
        int[] all = [.. Enumerable.Range(0, layers)];
        return new ModelPlacement("m", all, experts, ExpertBytes, "f") { Together = ExpertColocation.SameIndex(all, experts) };
    }

    private static PlanNode[] Nodes(int count) => [.. Enumerable.Range(0, count).Select(i => new PlanNode(Node(i), 1, Plenty, 0))];

    private static NodeId Node(int index) => new($"akka.tcp://expertcluster@node{index}:1", index);
}
