using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Tests.Moe.Routing;

public sealed class CapacityConventionSpec
{
    private static readonly string[] Columns =
        ["mesh-tf", "flaxformer", "lingvo", "v-moe", "deepspeed", "tutel", "megablocks", "fastmoe-gshard", "nllb-train"];

    [Theory]
    [InlineData(1024, 8, 2, 1.25, new long[] { 160, 160, 160, 320, 320, 320, 320, 320, 256 })]
    [InlineData(100, 7, 2, 1.25, new long[] { 17, 18, 20, 36, 36, 36, 35, 35, 30 })]
    [InlineData(100, 7, 1, 1.25, new long[] { 17, 18, 20, 20, 18, 18, 17, 17, 30 })]
    [InlineData(10, 8, 2, 1.0, new long[] { 4, 4, 4, 4, 4, 4, 2, 2, 4 })]
    [InlineData(3, 8, 2, 1.25, new long[] { 4, 4, 4, 4, 4, 2, 0, 1, 2 })]
    public void Every_convention_gives_what_its_code_gives(long tokens, int experts, int k, double factor, long[] expected)
    {
        Columns.Select(name => CapacityConventions.Get(name).Slots(tokens, experts, k, factor)).Should().Equal(expected);
    }

    [Fact]
    public void Further_conventions_follow_their_rules()
    {
        CapacityConventions.Get("fastmoe-switch").Slots(100, 7, 1, 1.25).Should().Be(18);
        CapacityConventions.Get("nllb-eval").Slots(100, 7, 2, 0.5).Should().Be(50);
        CapacityConventions.Get("fixed").Slots(100, 7, 2, 64).Should().Be(64);
        new CapacityPolicy(CapacityConventions.MegaBlocks, 1, 1).Slots(3, 8, 2, training: true).Should().BeNull("0 is dropless there");
        new CapacityPolicy(CapacityConventions.FastMoeGShard, 1, 1).Slots(3, 8, 2, training: true).Should().Be(0);
        CapacityConventions.All.Select(c => c.Name).Should().OnlyHaveUniqueItems();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_factor_that_is_not_above_zero_is_refused(double factor)
    {
        Action slots = () => CapacityConventions.VMoe.Slots(8, 2, 1, factor);
        slots.Should().Throw<ArgumentOutOfRangeException>().WithMessage("*above 0*");
        Action policy = () => _ = new CapacityPolicy(CapacityConventions.VMoe, 1, factor);
        policy.Should().Throw<ArgumentOutOfRangeException>();
        Action name = () => CapacityConventions.Get("vmoe");
        name.Should().Throw<ArgumentException>().WithMessage("*v-moe*");
    }
}
