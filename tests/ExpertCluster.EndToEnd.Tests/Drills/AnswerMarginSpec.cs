using ExpertCluster.Cli.Drills.Prompts;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class AnswerMarginSpec
{
    [Theory]
    [InlineData(new[] { 1f, 3f, 2.5f }, 0.5f)]
    [InlineData(new[] { 3f, 3f, 1f }, 0f)]
    [InlineData(new[] { -2f, -4f }, 2f)]
    [InlineData(new[] { float.NegativeInfinity, 0f, -1f }, 1f)]
    public void It_is_the_distance_of_the_two_highest_logits(float[] logits, float margin) => AnswerMargin.Of(logits).Should().Be(margin);

    [Fact]
    public void Prompts_with_a_near_tie_anywhere_are_left_out()
    {
        VerifiedPrompt clear = new([1], [2], AnswerMargin.Least), tied = new([3], [4], AnswerMargin.Least * 0.99f);
        AnswerMargin.Keep([tied, clear, tied]).Should().Equal(clear);
    }
}
