using ExpertCluster.Cluster.Planning;
using ExpertCluster.Tests.Planning.Laws;

namespace ExpertCluster.Tests.Planning;

/// <summary>From EPLB's own placement, to the balance EPLB's next plan would have: with a fraction of its slot changes.</summary>
public sealed class PlannerDriftSpec
{
    public static TheoryData<int, int, int> Sizes => new() { { 64, 72, 8 }, { 64, 64, 8 }, { 128, 144, 16 }, { 256, 288, 32 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Noise_costs_at_most_a_quarter_of_the_slot_changes(int experts, int replicas, int gpus) =>
        Drift(experts, replicas, gpus, Cases.Noise, 0.25);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Experts_that_trade_loads_cost_no_more_than_the_slot_changes(int experts, int replicas, int gpus) =>
        Drift(experts, replicas, gpus, Cases.Trade, 1);

    private static void Drift(int experts, int replicas, int gpus, Func<Random, double[], double[]> change, double most)
    {
        var random = new Random(experts + replicas);
        var before = Enumerable.Range(0, 6).Select(_ => Cases.LogNormal(random, experts)).ToArray();
        var after = before.Select(load => change(random, load)).ToArray();
        var present = before.Select(load => Eplb.Rebalance(load, replicas, 1, 1, gpus)).ToArray();
        var next = after.Select(load => Eplb.Rebalance(load, replicas, 1, 1, gpus)).ToArray();
        var problem = Cases.Problem(after, replicas, gpus, present: present);
        var plan = Planner.Plan(problem, new PlannerOptions { MinGain = 0, EnoughLikeEplb = true });
        PlanLaws.Broken(problem, plan).Should().BeNull();
        for (var l = 0; l < after.Length; l++)
        {
            plan.Layers[l].BalancednessAfter.Should().BeGreaterThanOrEqualTo(Cases.Balancedness(after[l], next[l], gpus) - 0.002);
        }

        var changes = present.Zip(next, (a, b) => a.Zip(b).Count(s => s.First != s.Second)).Sum();
        plan.Layers.Sum(l => l.Received).Should().BeLessThanOrEqualTo((int)(most * changes), "EPLB changes {0} slots", changes);
        plan.Moves.Should().BeGreaterThanOrEqualTo(plan.Layers.Sum(l => l.Received));
    }
}
