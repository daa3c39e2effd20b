using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Tests.Gateway;

public sealed class GatewayDegradedSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private const int Shared = 6;

    [Fact]
    public async Task A_sequence_is_marked_from_its_first_degraded_token_on_and_its_neighbour_is_not()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions());
        harness.Experts.Answering = (layer, rows) =>
        {
            // Once, in the step of one row of the older sequence and five of the younger one.
            if (rows.Tokens == Shared && layer == harness.Shape.MoeLayers[0])
            {
                rows.Degraded.Span[0] = true;
            }
        };
        var (older, younger) = await BothAsync(harness);
        var marks = await MarksAsync(older);
        marks[0].Should().BeFalse();
        marks[1..].Should().OnlyContain(mark => mark);
        (await MarksAsync(younger)).Should().OnlyContain(mark => !mark);
    }

    [Fact]
    public async Task Only_the_sequence_whose_rows_have_no_expert_fails()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions());
        harness.Experts.Answering = (_, rows) =>
        {
            if (rows.Tokens == Shared)
            {
                throw new RequestFailedException(RequestError.ExpertsUnavailable, "gone") { Rows = [0] };
            }
        };
        var (older, younger) = await BothAsync(harness);
        (await MarksAsync(younger)).Should().HaveCount(4);
        (await Assert.ThrowsAsync<RequestFailedException>(() => MarksAsync(older))).Error.Should().Be(RequestError.ExpertsUnavailable);
    }

    /// <summary>Two sequences, the second in time for the first one's second token.</summary>
    private static async Task<(GenerateCall Older, GenerateCall Younger)> BothAsync(GatewayHarness harness)
    {
        harness.Experts.Hold();
        var older = harness.Generate("a", prompt: 3, maxTokens: 6);
        await harness.Experts.NextAsync();
        var younger = harness.Generate("b", prompt: 5, maxTokens: 4);
        await harness.TakenAsync();
        harness.Experts.Release();
        return (older, younger);
    }

    private static async Task<List<bool>> MarksAsync(GenerateCall call)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        List<bool> marks = [];
        await foreach (var token in call.Output.ReadAllAsync(patience.Token))
        {
            marks.Add(token.IsDegraded);
        }

        return marks;
    }
}
