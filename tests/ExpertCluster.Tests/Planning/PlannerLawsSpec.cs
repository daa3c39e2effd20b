using System.Text.Json;
using CsCheck;
using ExpertCluster.Cluster.Planning;
using ExpertCluster.Tests.Planning.Laws;

namespace ExpertCluster.Tests.Planning;

/// <summary>What holds for every problem. A failure prints the seed that <see cref="ProblemGen"/> makes the problem from.</summary>
public sealed class PlannerLawsSpec
{
    private static readonly Gen<int> Seed = Gen.Int[0, int.MaxValue];

    public static TheoryData<PlannerStrategy> Strategies => [.. Enum.GetValues<PlannerStrategy>()];

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Steps_can_be_carried_out_in_order_and_end_in_a_lawful_placement(PlannerStrategy strategy) => Seed.Sample(
        seed =>
        {
            var problem = ProblemGen.From(seed);
            var broken = PlanLaws.Broken(problem, Planner.Plan(problem, Options(strategy)));
            Assert.True(broken is null, $"seed {seed}: {broken}");
        },
        iter: 300);

    [Fact]
    public void No_layer_gets_slower_unless_something_must_change() => Seed.Sample(
        seed =>
        {
            var plan = Planner.Plan(ProblemGen.From(seed), Options(PlannerStrategy.Balanced));
            var slower = plan.Layers.Where(l => l.MaxTimeAfter > l.MaxTimeBefore * (1 + 1e-9)).Select(l => l.Layer).ToArray();
            Assert.True(slower.All(layer => plan.Steps.Any(s => s.Layer == layer && s.Required)), $"seed {seed}: layers {string.Join(", ", slower)}");
        },
        iter: 300);

    [Fact]
    public void The_order_of_the_input_does_not_matter() => Seed.Sample(
        seed =>
        {
            var problem = ProblemGen.From(seed);
            var random = new Random(seed);
            var shuffled = problem with
            {
                Devices = [.. problem.Devices.OrderBy(_ => random.Next())],
                Layers = [.. problem.Layers.OrderBy(_ => random.Next()).Select(l => l with { Present = [.. l.Present.OrderBy(_ => random.Next())] })],
                Pins = [.. problem.Pins.Reverse()],
                Exclusions = [.. problem.Exclusions.Reverse()],
            };
            var (first, second) = (Text(problem), Text(shuffled));
            Assert.True(first == second, $"seed {seed}");
        },
        iter: 150);

    [Fact]
    public void Times_are_those_of_the_placement() => Seed.Sample(
        seed =>
        {
            var problem = ProblemGen.From(seed);
            var plan = Planner.Plan(problem, Options(PlannerStrategy.Balanced));
            var before = PlanLaws.Time(problem, [.. problem.Layers.OrderBy(l => l.Layer).Select(l => l.Present.Select(r => (r.Expert, r.Device)).ToArray())]);
            var after = PlanLaws.Time(problem, [.. plan.Placement.Select(l => l.Select(r => (r.Expert, r.Device)).ToArray())]);
            Assert.True(Close(before, plan.TimeBefore) && Close(after, plan.TimeAfter), $"seed {seed}: {before} {plan.TimeBefore}, {after} {plan.TimeAfter}");
        },
        iter: 150);

    [Fact]
    public void Nothing_but_what_must_change_moves_below_the_least_gain() => Seed.Sample(
        seed =>
        {
            var plan = Planner.Plan(ProblemGen.From(seed), Options(PlannerStrategy.Balanced) with { MinGain = 1 });
            Assert.True(plan.Steps.All(s => s.Required), $"seed {seed}");
        },
        iter: 150);

    [Fact]
    public void A_budget_of_copies_is_kept() => Gen.Select(Seed, Gen.Int[0, 6]).Sample(
        (seed, most) =>
        {
            var problem = ProblemGen.From(seed);
            var least = Planner.Plan(problem, Options(PlannerStrategy.Balanced) with { MinGain = 1 });
            var plan = Planner.Plan(problem, Options(PlannerStrategy.Balanced) with { MaxMoves = most });
            var required = least.Layers.Sum(l => l.Received);
            if (least.Unmet.Concat(plan.Unmet).Any(u => u.Contains("need memory")))
            {
                // What must change is then done only as far as memory goes, and how far that is depends on what else moves.
                return;
            }

            Assert.True(plan.Layers.Sum(l => l.Received) <= required + most, $"seed {seed}: {plan.Layers.Sum(l => l.Received)}, required {required}, budget {most}");
        },
        iter: 150);

    private static PlannerOptions Options(PlannerStrategy strategy) => new() { Strategy = strategy, MinGain = 0, Effort = 20 };

    private static string Text(PlanProblem problem) => JsonSerializer.Serialize(Planner.Plan(problem, Options(PlannerStrategy.Balanced)));

    private static bool Close(double a, double b) => Math.Abs(a - b) <= 1e-9 * Math.Max(1, Math.Abs(a));
}
