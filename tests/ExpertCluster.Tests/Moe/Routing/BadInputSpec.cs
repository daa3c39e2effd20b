using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Routing;

public sealed class BadInputSpec
{
    private static readonly RoutingPolicy Top2 = new() { Score = new SoftmaxScores(), Select = new TopKChoices(2), Weights = new ProbabilityWeights() };

    [Theory]
    [InlineData(float.NaN, "*row 1*not finite*")]
    [InlineData(float.PositiveInfinity, "*row 1*not finite*")]
    [InlineData(float.NegativeInfinity, "*row 1*every expert is masked*")]
    public void Logits_no_decision_can_be_made_from_are_refused_with_their_row(float value, string message)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor logits = zeros(3, 4);
        logits[1] = full([4], value);
        Action route = () => Top2.Route(new RouterOutput(logits), RoutingContext.Evaluation);
        route.Should().Throw<NotFiniteNumberException>().WithMessage(message);
    }

    [Fact]
    public void A_masked_expert_takes_nothing_that_counts()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor logits = tensor(new[] { 0, float.NegativeInfinity, 1 }).reshape(1, 3);
        SlotAssignment slots = Top2.Route(new RouterOutput(logits), RoutingContext.Evaluation).Slots;
        slots.Expert.Values<long>().Should().Equal(2, 0);
    }

    [Fact]
    public void More_choices_than_experts_and_wrong_shapes_are_refused()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Action many = () => Top2.Route(new RouterOutput(zeros(3, 1)), RoutingContext.Evaluation);
        many.Should().Throw<ArgumentOutOfRangeException>().WithMessage("*1 to 1 of 1 experts, not to 2*");
        Action flat = () => Top2.Route(new RouterOutput(zeros(3)), RoutingContext.Evaluation);
        flat.Should().Throw<ArgumentException>().WithMessage("*[3] are not [T, E]*");
        Action half = () => Top2.Route(new RouterOutput(zeros(3, 4, dtype: ScalarType.BFloat16)), RoutingContext.Evaluation);
        half.Should().Throw<ArgumentException>().WithMessage("*BFloat16*float32 or float64*");
        Action none = () => _ = new TopKChoices(0);
        none.Should().Throw<ArgumentOutOfRangeException>();
        Action groups = () => new GroupLimitedChoices(2, 3, 1).Select(new SoftmaxScores().Score(new RouterOutput(zeros(3, 4)), RoutingContext.Evaluation), RoutingContext.Evaluation);
        groups.Should().Throw<ArgumentOutOfRangeException>().WithMessage("*4 experts don't make 3 equal groups*");
    }

    [Fact]
    public void A_policy_that_draws_needs_a_generator()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        RoutingPolicy random = Top2 with { Select = new RandomSecondChoice(0.5) };
        Action route = () => random.Route(new RouterOutput(zeros(3, 4)), RoutingContext.Train(null));
        route.Should().Throw<InvalidOperationException>().WithMessage("*RoutingContext.Generator*");
    }

    [Fact]
    public void Hash_routing_refuses_ids_outside_its_table()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var gate = new HashGate(HashTable.Random(10, 4, 1), 4);
        Action missing = () => gate.Route(new GateInput(zeros(2, 3)), RoutingContext.Evaluation);
        missing.Should().Throw<ArgumentException>().WithMessage("*TokenIds*");
        Action outside = () => gate.Route(new GateInput(zeros(2, 3)) { TokenIds = tensor(new long[] { 0, 10 }) }, RoutingContext.Evaluation);
        outside.Should().Throw<ArgumentException>().WithMessage("*outside 0 … 9*");
        Action table = () => _ = new HashGate([0, 4], 4);
        table.Should().Throw<ArgumentException>();
    }
}
