using ExpertCluster.Cluster.Planning;
using ExpertCluster.Tests.Planning.Laws;

namespace ExpertCluster.Tests.Planning;

public sealed class PlannerGoldenSpec
{
    [Fact]
    public void Balances_at_least_as_well_as_EPLB_with_groups_kept_on_a_node()
    {
        foreach (var golden in EplbGolden.All)
        {
            var groups = golden.KeepsGroups;
            var problem = Cases.Problem(golden.Load, golden.Replicas, golden.Gpus, groups ? golden.Nodes : 1, groups ? golden.Groups : 1);
            var plan = Planner.Plan(problem);
            PlanLaws.Broken(problem, plan).Should().BeNull();
            plan.Unmet.Should().BeEmpty();
            plan.Layers.Average(l => l.BalancednessAfter).Should().BeGreaterThanOrEqualTo(golden.Mean - 1e-6);
            plan.Layers.Min(l => l.BalancednessAfter).Should().BeGreaterThanOrEqualTo(golden.Min - 1e-6);
        }
    }

    [Fact]
    public void Balances_every_layer_at_least_as_well_as_EPLB_without_groups()
    {
        foreach (var golden in EplbGolden.All)
        {
            var problem = Cases.Problem(golden.Load, golden.Replicas, golden.Gpus);
            var plan = Planner.Plan(problem);
            PlanLaws.Broken(problem, plan).Should().BeNull();
            for (var l = 0; l < golden.Load.Length; l++)
            {
                var eplb = Cases.Balancedness(golden.Load[l], Eplb.Rebalance(golden.Load[l], golden.Replicas, 1, 1, golden.Gpus), golden.Gpus);
                plan.Layers[l].BalancednessAfter.Should().BeGreaterThanOrEqualTo(eplb - 1e-6);
            }
        }
    }

    /// <summary>FlashLB's example (SGLang PR #14176): EPLB's busiest device has 232, FlashLB's 205, the mean is 181.25.</summary>
    [Fact]
    public void Plans_copies_and_packing_together()
    {
        double[][] load = [[600, 560, 120, 120, 20, 10, 10, 10]];
        var slots = Eplb.Rebalance(load[0], 16, 1, 1, 8);
        (181.25 / Cases.Balancedness(load[0], slots, 8)).Should().BeApproximately(232, 0.5);
        Planner.Plan(Cases.Problem(load, 16, 8)).TimeAfter.Should().BeLessThanOrEqualTo(205);
    }
}
