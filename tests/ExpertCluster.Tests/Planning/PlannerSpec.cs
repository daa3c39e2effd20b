using ExpertCluster.Cluster.Planning;
using ExpertCluster.Moe.Placement;
using ExpertCluster.Tests.Planning.Laws;

namespace ExpertCluster.Tests.Planning;

public sealed class PlannerSpec
{
    [Fact]
    public void A_faster_device_gets_more_load()
    {
        double[] load = [.. Enumerable.Repeat(10.0, 30)];
        var plan = Plan(new PlanProblem
        {
            Devices = [new("slow", "a"), new("fast", "b", Speed: 2)],
            ReplicasPerLayer = 30,
            Layers = [new(0, load, [])],
        });
        plan.Placement[0].Count(r => r.Device == "fast").Should().Be(20);
        plan.Layers[0].BalancednessAfter.Should().BeApproximately(1, 1e-9);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(11)]
    public void Any_number_of_devices_will_do(int devices)
    {
        var random = new Random(devices);
        var plan = Plan(Cases.Problem([Cases.LogNormal(random, 64), Cases.LogNormal(random, 64)], 64 + (3 * devices), devices));
        plan.Unmet.Should().BeEmpty();
        plan.Layers.Should().OnlyContain(l => l.BalancednessAfter > 0.97);
    }

    [Fact]
    public void Copies_survive_the_loss_of_any_two_devices_and_of_a_domain()
    {
        var problem = new PlanProblem
        {
            Devices = [.. Enumerable.Range(0, 6).Select(d => new PlanDevice($"d{d}", $"h{d / 2}"))],
            SurviveLossOf = 2,
            ReplicasPerLayer = 40,
            Layers = [new(0, [.. Enumerable.Range(1, 10).Select(e => (double)e)], [])],
        };
        var hosts = Plan(problem).Placement[0].ToLookup(r => r.Expert, r => r.Device);
        hosts.Should().HaveCount(10).And.OnlyContain(h => h.Count() >= 3 && h.Select(d => d[1] / 2).Distinct().Count() == 3);
    }

    [Fact]
    public void Too_few_devices_for_the_wanted_copies_are_told_and_no_error()
    {
        var plan = Plan(new PlanProblem { Devices = [new("a", "a"), new("b", "b")], Copies = 3, Layers = [new(0, [1, 2], [])] });
        plan.Unmet.Should().ContainSingle().Which.Should().Contain("3 copies").And.Contain("2");
        plan.Placement[0].Should().HaveCount(4);
    }

    [Fact]
    public void What_has_no_room_is_told_by_layer_and_expert()
    {
        var plan = Plan(new PlanProblem { Devices = [new("a", "a", MemoryBytes: 20)], ExpertBytes = 10, Layers = [new(4, [1, 2, 3], [])] });
        plan.Unmet.Should().ContainSingle().Which.Should().StartWith("layer 4: no copy of expert ");
        plan.Placement[0].Should().HaveCount(2);
    }

    [Fact]
    public void No_device_is_told_and_no_error() =>
        Planner.Plan(new PlanProblem { Devices = [], Layers = [new(0, [1], [])] }).Unmet.Should().Contain("there is no device");

    [Fact]
    public void Full_slots_are_swapped_through_one_slot_too_many_where_memory_permits()
    {
        var problem = Swap(long.MaxValue);
        var plan = Plan(problem);
        plan.Steps.Should().HaveCount(2).And.OnlyContain(s => s.Kind == PlanStepKind.Move);
        plan.Steps[0].TransientSlot.Should().BeTrue();
        plan.Steps[1].TransientSlot.Should().BeFalse();
        plan.Layers[0].BalancednessAfter.Should().Be(1);
    }

    [Fact]
    public void Full_memory_leaves_a_layer_as_it_is_and_says_so()
    {
        var plan = Plan(Swap(20));
        plan.Steps.Should().BeEmpty();
        plan.Unmet.Should().ContainSingle().Which.Should().StartWith("layer 0: ").And.Contain("memory");
    }

    [Fact]
    public void A_second_copy_on_a_device_goes()
    {
        var plan = Plan(new PlanProblem
        {
            Devices = [new("a", "a", MaxPerLayer: 2), new("b", "b", MaxPerLayer: 2)],
            Layers = [new(0, [6, 1], [new(0, "a"), new(0, "a"), new(1, "b")])],
        });
        plan.Steps[0].Should().BeEquivalentTo(new { Kind = PlanStepKind.Retire, Expert = 0, From = "a", Required = true });
        plan.Layers[0].BalancednessAfter.Should().BeGreaterThan(0.99);
    }

    [Fact]
    public void A_small_gain_moves_nothing_and_says_why()
    {
        var problem = Cases.Problem([[100, 101, 99, 100]], 4, 2) with
        {
            Layers = [new(0, [100, 101, 99, 100], [new(0, Cases.Gpu(0)), new(1, Cases.Gpu(0)), new(2, Cases.Gpu(1)), new(3, Cases.Gpu(1))])],
        };
        var plan = Planner.Plan(problem);
        plan.Steps.Should().BeEmpty();
        plan.Reason.Should().Contain("less than the least gain of 2.00 %");
        Planner.Plan(problem, new PlannerOptions { MinGain = 0 }).Steps.Should().NotBeEmpty();
    }

    [Fact]
    public void Columns_share_a_device_in_a_first_placement_where_balance_permits()
    {
        double[] load = [5, 5, 5, 5, 5, 5];
        var plan = Plan(new PlanProblem
        {
            Devices = [new("a", "a"), new("b", "a"), new("c", "a")],
            ReplicasPerLayer = 6,
            Together = ExpertColocation.SameIndex([0, 1, 2], 6),
            Layers = [new(0, load, []), new(1, load, []), new(2, load, [])],
        });
        var hosts = plan.Placement.Select(layer => layer.OrderBy(r => r.Expert).Select(r => r.Device).ToArray()).ToArray();
        hosts[1].Should().Equal(hosts[0]);
        hosts[2].Should().Equal(hosts[0]);
    }

    [Fact]
    public void Shadow_and_replicate_top_copy_the_hottest_to_every_device()
    {
        var problem = new PlanProblem
        {
            Devices = [.. Enumerable.Range(0, 4).Select(d => new PlanDevice($"d{d}", "h"))],
            ReplicasPerLayer = 12,
            Layers = [new(0, [100, 1, 1, 1, 1, 1, 1, 1], [])],
        };
        foreach (var strategy in new[] { PlannerStrategy.Shadow, PlannerStrategy.ReplicateTop })
        {
            Plan(problem, new PlannerOptions { Strategy = strategy }).Placement[0].Count(r => r.Expert == 0).Should().Be(4);
        }
    }

    [Fact]
    public void EPLB_says_where_its_rules_do_not_hold() =>
        Plan(Cases.Problem([[1, 2, 3]], 3, 2) with { Devices = [new("a", "a", MaxPerLayer: 2), new("b", "a", MaxPerLayer: 1)] }, new PlannerOptions { Strategy = PlannerStrategy.Eplb })
            .Unmet.Should().ContainSingle().Which.Should().Contain("EPLB cannot plan it");

    public static TheoryData<string, PlanProblem, PlannerOptions> Bad
    {
        get
        {
            var good = new PlanProblem { Devices = [new("a", "a"), new("b", "b")], Layers = [new(0, [1, 2], [])] };
            var options = new PlannerOptions();
            return new TheoryData<string, PlanProblem, PlannerOptions>
            {
                { "layers[0].load[1] is -2", good with { Layers = [new(0, [1, -2], [])] }, options },
                { "layers[0].load[0] is NaN", good with { Layers = [new(0, [double.NaN], [])] }, options },
                { "layers[1].layer is 0", good with { Layers = [new(0, [1], []), new(0, [1], [])] }, options },
                { "layers[0].present[0].expert is 2", good with { Layers = [new(0, [1, 2], [new(2, "a")])] }, options },
                { "devices[1].id is a", good with { Devices = [new("a", "a"), new("a", "b")] }, options },
                { "devices[0].speed is 0", good with { Devices = [new("a", "a", Speed: 0)] }, options },
                { "devices[0].memoryBytes is -1", good with { Devices = [new("a", "a", MemoryBytes: -1)] }, options },
                { "replicasPerLayer is 1", good with { ReplicasPerLayer = 1 }, options },
                { "copies is 0", good with { Copies = 0 }, options },
                { "surviveLossOf is -1", good with { SurviveLossOf = -1 }, options },
                { "expertBytes is 0", good with { ExpertBytes = 0 }, options },
                { "pins[0].device is c", good with { Pins = [new(0, 0, "c")] }, options },
                { "exclusions[0].layer is 5", good with { Exclusions = [new(5, 0, "a")] }, options },
                { "pins[0] is (layer 0, expert 0, a)", good with { Pins = [new(0, 0, "a")], Exclusions = [new(0, 0, "a")] }, options },
                { "groups[1] is 7", good with { Groups = [0, 7] }, options },
                { "minGain is 2", good, options with { MinGain = 2 } },
                { "linkBytesPerSecond is 0", good, options with { LinkBytesPerSecond = 0 } },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Input_that_makes_no_sense_is_refused_by_key_and_value(string message, PlanProblem problem, PlannerOptions options) =>
        FluentActions.Invoking(() => Planner.Plan(problem, options)).Should().Throw<InvalidDataException>().Which.Message.Should().StartWith(message + ":");

    private static PlacementPlan Plan(PlanProblem problem, PlannerOptions? options = null)
    {
        var plan = Planner.Plan(problem, options ?? new PlannerOptions { MinGain = 0 });
        PlanLaws.Broken(problem, plan).Should().BeNull();
        return plan;
    }

    /// <summary>Two devices, both slots of each full, the two heavy experts on one.</summary>
    private static PlanProblem Swap(long memory) => new()
    {
        Devices = [new("a", "a", MemoryBytes: memory, MaxPerLayer: 2), new("b", "b", MemoryBytes: memory, MaxPerLayer: 2)],
        ExpertBytes = 10,
        Layers = [new(0, [9, 9, 1, 1], [new(0, "a"), new(1, "a"), new(2, "b"), new(3, "b")])],
    };
}
