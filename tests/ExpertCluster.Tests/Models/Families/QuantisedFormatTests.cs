using ExpertCluster.Models;
using ExpertCluster.Models.Decoding;

namespace ExpertCluster.Tests.Models.Families;

public sealed class QuantisedFormatTests
{
    [Theory]
    [InlineData(0x00, 0f)]
    [InlineData(0x01, 0.001953125f)]
    [InlineData(0x07, 0.013671875f)]
    [InlineData(0x08, 0.015625f)]
    [InlineData(0x38, 1f)]
    [InlineData(0x3C, 1.5f)]
    [InlineData(0xB8, -1f)]
    [InlineData(0x7E, 448f)]
    [InlineData(0xFE, -448f)]
    [InlineData(0x7F, float.NaN)]
    public void E4M3_codes_have_the_values_of_the_format(int code, float value) => Float8.Decode((byte)code).Should().Be(value);

    [Fact]
    public void FP8_blocks_at_the_edge_may_be_smaller()
    {
        // 3 × 3 ones in blocks of 2 × 2.
        var target = new float[9];
        Float8.Dequantise([0x38, 0x38, 0x38, 0x38, 0x38, 0x38, 0x38, 0x38, 0x38], 3, [2, 3, 5, 7], (2, 2), target);
        target.Should().Equal(2, 2, 3, 2, 2, 3, 5, 5, 7);
    }

    [Fact]
    public void MXFP4_takes_the_low_half_first_and_a_power_of_two_per_block()
    {
        byte[] blocks = new byte[32];
        (blocks[0], blocks[1], blocks[2], blocks[3], blocks[16]) = (0x10, 0x32, 0x54, 0x76, 0xF9);
        var target = new float[64];
        Mxfp4.Dequantise(blocks, [127, 128], target);
        target[..8].Should().Equal(0, 0.5f, 1, 1.5f, 2, 3, 4, 6);
        target[32..34].Should().Equal(-1, -12);
    }

    [Fact]
    public void An_expert_of_a_group_not_kept_is_never_chosen_even_where_kept_scores_are_negative()
    {
        // Corrections push the kept group's scores below 0, where a masked 0 would win.
        var rule = new RouterRule { Experts = 4, TopK = 2, Normalise = true, Sigmoid = true, Groups = 2, TopGroups = 1, GroupByTwoBest = true, Scale = 2.5 };
        var routing = DecoderGate.Route([0, 0, 0, 0], 1, rule, [-3, -3, -2, -1]);
        routing.Experts.Should().Equal(3, 2);
        routing.Weights.Should().Equal([1.25f, 1.25f], "weights come from scores without correction");
    }

    [Fact]
    public void Equal_scores_go_to_the_lowest_index()
    {
        var rule = new RouterRule { Experts = 6, TopK = 2, Normalise = false, Groups = 3, TopGroups = 2 };
        DecoderGate.Route(new float[6], 1, rule).Experts.Should().Equal(0, 1);
    }
}
