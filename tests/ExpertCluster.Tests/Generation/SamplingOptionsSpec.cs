using ExpertCluster.Models.Generation;

namespace ExpertCluster.Tests.Generation;

public sealed class SamplingOptionsSpec
{
    [Fact]
    public void Defaults_are_valid_and_greedy()
    {
        new SamplingOptions().Validate();
        new SamplingOptions().Temperature.Should().Be(0);
    }

    [Theory]
    [InlineData(-1f, 0, 1f, "Temperature is -1; it must be from 0 (greedy) to 100.")]
    [InlineData(float.NaN, 0, 1f, "Temperature is NaN; it must be from 0 (greedy) to 100.")]
    [InlineData(1f, -3, 1f, "TopK is -3; it must be 0 (all tokens) or more.")]
    [InlineData(1f, 0, 0f, "TopP is 0; it must be above 0 and at most 1 (all tokens).")]
    [InlineData(1f, 0, 1.5f, "TopP is 1.5; it must be above 0 and at most 1 (all tokens).")]
    [InlineData(1f, -1, float.NaN, "TopK is -1; it must be 0 (all tokens) or more. TopP is NaN; it must be above 0 and at most 1 (all tokens).")]
    public void Values_out_of_range_are_named_with_value_and_range(float temperature, int topK, float topP, string message)
    {
        FluentActions.Invoking(new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP }.Validate)
            .Should().Throw<ArgumentException>().WithMessage(message);
    }
}
