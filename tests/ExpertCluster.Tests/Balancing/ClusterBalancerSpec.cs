using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Balancing;

/// <summary>What the balancer does in single situations; <see cref="BalancerSimulationSpec"/> mixes them.</summary>
public sealed class ClusterBalancerSpec
{
    private const long Memory = 100 * Simulation.ExpertBytes;

    [Fact]
    public void A_node_that_drains_keeps_every_expert_until_another_node_answers_for_it()
    {
        var simulation = Start(nodes: 3, copies: 1);
        var leaving = simulation.Nodes[0];
        simulation.Drain(leaving, TimeSpan.FromHours(1));
        while (leaving.Replicas.Count > 0)
        {
            simulation.Run(TimeSpan.FromMilliseconds(50));
            Covered(simulation).Should().BeTrue("a drain leaves no gap");
        }

        simulation.Run(TimeSpan.FromSeconds(1));
        simulation.Decisions.All.Should().Contain(d => d.Kind == "drained" && d.Subject == leaving.Id.HostPort);
    }

    [Fact]
    public void A_copy_whose_weights_are_others_never_answers_and_its_node_is_not_asked_again()
    {
        var simulation = Start(nodes: 2, copies: 2);
        var corrupt = simulation.Join(Memory, corrupt: true);
        simulation.Crash(simulation.Nodes[0]);
        simulation.Run(TimeSpan.FromMinutes(2));
        simulation.Published.Values.SelectMany(p => p.Replicas).Where(r => r.Node == corrupt.Id && r.State == ReplicaState.Ready).Should().BeEmpty();
        simulation.Decisions.All.Should().Contain(d => d.Kind == "probe-failed" && d.Reason.Contains("its weights"));
        Covered(simulation).Should().BeTrue("the other node has them all");
    }

    [Fact]
    public void Load_that_drifts_is_followed_by_one_plan_and_then_by_nothing()
    {
        var simulation = Start(nodes: 4, copies: 1, spare: 2);
        simulation.Load.Change(0, 3, 20);
        simulation.Run(TimeSpan.FromMinutes(2));
        var plans = simulation.Decisions.All.Count(d => d.Kind == "plan");
        plans.Should().BeGreaterThan(0);
        simulation.Published[0].Replicas.Count(r => r.Replica.Expert == 3).Should().BeGreaterThan(1, "the hot expert got copies");
        simulation.Run(TimeSpan.FromHours(1));
        simulation.Decisions.All.Count(d => d.Kind == "plan").Should().Be(plans);
    }

    [Fact]
    public void A_step_whose_copy_fails_is_undone_and_nothing_is_lost()
    {
        var simulation = Start(nodes: 3, copies: 1, spare: 1);
        simulation.Nodes.ForEach(n => n.LoadFailures = 1);
        simulation.Load.Change(0, 2, 30);
        simulation.Run(TimeSpan.FromSeconds(40));
        simulation.Decisions.All.Should().Contain(d => d.Kind == "plan-ended" && d.Reason.StartsWith("given up"));
        Covered(simulation).Should().BeTrue();
        simulation.Balancer.Moves.Active.Should().BeNull();
    }

    [Fact]
    public void Without_a_majority_nothing_is_published()
    {
        var simulation = Start(nodes: 3, copies: 1);
        simulation.CutOff(simulation.Nodes[1], TimeSpan.FromMinutes(5));
        simulation.CutOff(simulation.Nodes[2], TimeSpan.FromMinutes(5));
        var publications = simulation.Publications;
        simulation.Load.Change(0, 1, 50);
        simulation.Crash(simulation.Nodes[2]);
        simulation.Run(TimeSpan.FromMinutes(4));
        simulation.Publications.Should().Be(publications);
    }

    [Fact]
    public void The_last_copy_of_an_expert_is_kept_when_the_others_are_lost_before_it_was_told_to_go()
    {
        var simulation = Start(nodes: 3, copies: 1);
        var leaving = simulation.Nodes[0];
        simulation.Drain(leaving, TimeSpan.FromHours(1));

        // Copies are ready and published, orders to stop are not given yet: the two others go at once.
        while (simulation.Published.Values.SelectMany(p => p.Replicas).All(r => r.State != ReplicaState.Draining))
        {
            simulation.Run(TimeSpan.FromMilliseconds(10));
        }

        var held = leaving.Replicas.Count;
        simulation.Crash(simulation.Nodes[2]);
        simulation.Crash(simulation.Nodes[1]);
        simulation.Run(TimeSpan.FromSeconds(5));
        leaving.Replicas.Count(r => r.Value).Should().BeGreaterThanOrEqualTo(held - 1, "nobody else has them");
    }

    private static Simulation Start(int nodes, int copies, int spare = 0)
    {
        var simulation = new Simulation(
            7, 2, 6, new BalancerOptions { Copies = copies, MinExpertNodes = nodes }, new RebalanceOptions { SpareReplicas = spare });
        for (var i = 0; i < nodes; i++)
        {
            simulation.Join(Memory);
        }

        simulation.Run(TimeSpan.FromSeconds(20));
        Covered(simulation).Should().BeTrue();
        return simulation;
    }

    private static bool Covered(Simulation simulation) => simulation.Published.Values.All(p => p.ReadyExperts() == p.Experts
        && p.Replicas.Where(r => r.State == ReplicaState.Ready).GroupBy(r => r.Replica.Expert)
            .All(g => g.Any(r => simulation.Nodes.Find(n => n.Id == r.Node)?.Replicas.GetValueOrDefault(r.Replica) == true)));
}
