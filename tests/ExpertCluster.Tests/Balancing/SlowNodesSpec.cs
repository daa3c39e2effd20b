using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Tests.Balancing;

public sealed class SlowNodesSpec
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    private readonly RebalanceOptions _options = new();
    private readonly Speeds _load = new();
    private readonly ClusterBalancer _balancer = new(
        new BalancerOptions(), new MoveLimits(1, 0, TimeSpan.FromMinutes(1)), [], new RecordedDecisions(), NullLogger.Instance);

    [Fact]
    public void A_node_is_demoted_after_enough_looks_and_tried_again_after_longer_and_longer_rests()
    {
        var slow = new SlowNodes(_options, _balancer, _load);
        var nodes = Members(4);
        _load.Of[nodes[1]] = 0.2;
        var now = Look(slow, Start, _options.Confirmations - 1);
        _balancer.Demoted.Should().BeEmpty();
        now = Look(slow, now, 1);
        _balancer.Demoted.Keys.Should().Equal(nodes[1]);

        // A minute of rest, three looks; then two minutes.
        now = Look(slow, now + TimeSpan.FromMinutes(1), 1);
        _balancer.Demoted.Should().BeEmpty();
        now = Look(slow, now, _options.Confirmations);
        _balancer.Demoted.Should().ContainKey(nodes[1]);
        now = Look(slow, now + TimeSpan.FromMinutes(1), 1);
        _balancer.Demoted.Should().ContainKey(nodes[1], "the second rest is longer");
        _load.Of.Clear();
        now = Look(slow, now + TimeSpan.FromMinutes(1), 1);
        Look(slow, now, 10);
        _balancer.Demoted.Should().BeEmpty();
    }

    [Fact]
    public void A_slow_moment_is_no_slow_node_and_two_nodes_can_not_judge_each_other()
    {
        var slow = new SlowNodes(_options, _balancer, _load);
        var nodes = Members(3);
        var now = Start;
        for (var i = 0; i < 20; i++)
        {
            _load.Of[nodes[0]] = i % 3 == 0 ? 1 : 0.1;
            now = Look(slow, now, 1);
        }

        _balancer.Demoted.Should().BeEmpty();
        Members(2);
        _load.Of[nodes[0]] = 0.1;
        Look(slow, now, 20);
        _balancer.Demoted.Should().BeEmpty();
    }

    private DateTimeOffset Look(SlowNodes slow, DateTimeOffset now, int times)
    {
        for (var i = 0; i < times; i++)
        {
            slow.Evaluate(now);
            now += _options.Interval;
        }

        return now;
    }

    private List<NodeId> Members(int count)
    {
        var nodes = Enumerable.Range(0, count).Select(i => new SimulatedNode(new NodeId($"akka.tcp://c@h{i}:1", i), 1000)).ToList();
        _balancer.SetMembers(new MemberView(
            System.Collections.Immutable.ImmutableDictionary.CreateRange(nodes.Select(n => KeyValuePair.Create(n.Id, n.Description))), 0, true));
        return [.. nodes.Select(n => n.Id)];
    }

    private sealed class Speeds : IBalancerLoad
    {
        public Dictionary<NodeId, double> Of { get; } = [];

        public double[]? Demand(string model, int layer) => null;

        public double Speed(NodeId node) => Of.GetValueOrDefault(node, 1);

        public string? Drift(ModelPlacement model, DateTimeOffset now) => null;

        public void Planned(ModelPlacement model, DateTimeOffset now)
        {
        }
    }
}
