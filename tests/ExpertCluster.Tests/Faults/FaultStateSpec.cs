using System.Text.Json;
using ExpertCluster.Cluster.Faults;

namespace ExpertCluster.Tests.Faults;

public sealed class FaultStateSpec
{
    [Fact]
    public void A_control_file_names_who_is_blocked_and_how_late_answers_are()
    {
        var state = FaultState.Read("""{ "block": ["127.0.0.1:4054", "b:1"], "answerDelayMs": 200 }""");
        state.Block.Should().BeEquivalentTo("127.0.0.1:4054", "b:1");
        state.AnswerDelay.Should().Be(TimeSpan.FromMilliseconds(200));
    }

    [Fact]
    public void What_it_leaves_out_is_no_fault()
    {
        FaultState.Read("{}").Block.Should().BeEmpty();
        FaultState.Read("{}").AnswerDelay.Should().Be(TimeSpan.Zero);
    }

    [Theory]
    [InlineData("")]
    [InlineData("block everybody")]
    [InlineData("""{ "answerDelayMs": -1 }""")]
    [InlineData("""{ "answerDelayMs": 60001 }""")]
    [InlineData("""{ "block": 4054 }""")]
    public void Anything_else_is_refused(string text) => Assert.Throws<JsonException>(() => FaultState.Read(text));
}
