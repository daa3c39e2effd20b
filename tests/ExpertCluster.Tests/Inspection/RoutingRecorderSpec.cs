using ExpertCluster.Models;
using ExpertCluster.Models.Decoding;
using ExpertCluster.Models.Inspection;
using ExpertCluster.Tests.Models;
using ExpertCluster.Tests.Tokenization;

namespace ExpertCluster.Tests.Inspection;

public sealed class RoutingRecorderSpec
{
    private static readonly int[] Tokens = [.. Enumerable.Range(0, 40).Select(i => 40 + i * 37 % 900)];

    [Fact]
    public async Task It_records_what_the_gates_chose_though_the_last_layers_experts_are_not_asked()
    {
        await using ModelFixture fixture = await ModelFixture.LoadAsync(ModelFiles.Folio);
        ModelShape shape = fixture.Model.Shape;
        var recorder = new RoutingRecorder(fixture.Model, fixture.Experts, files: 1);
        await recorder.RecordAsync(0, ReadOnlyMemory<int>.Empty, Tokens, TestContext.Current.CancellationToken);

        var capture = new StepCapture();
        using DecoderSequence sequence = fixture.Model.NewSequence();
        await fixture.LogitsAsync(sequence, Tokens, capture: capture);
        recorder.Trace.Tokens.ToArray().Should().Equal(Tokens);
        var rule = new RouterRule { Experts = shape.ExpertsPerLayer, TopK = shape.ExpertsPerToken, Normalise = true };
        for (int layer = 0; layer < shape.MoeLayers.Length; layer++)
        {
            int[] chosen = DecoderGate.Route(capture.RouterLogits[layer], Tokens.Length, rule).Experts;
            recorder.Trace.Choices(layer).ToArray().Select(expert => (int)expert).Should().Equal(chosen);
        }
    }

    [Fact]
    public async Task What_a_prompt_begins_with_is_seen_but_not_recorded()
    {
        await using ModelFixture fixture = await ModelFixture.LoadAsync(ModelFiles.Folio);
        var whole = new RoutingRecorder(fixture.Model, fixture.Experts, files: 1);
        await whole.RecordAsync(0, ReadOnlyMemory<int>.Empty, Tokens, TestContext.Current.CancellationToken);
        var split = new RoutingRecorder(fixture.Model, fixture.Experts, files: 1);
        await split.RecordAsync(0, Tokens.AsMemory(0, 3), Tokens.AsMemory(3), TestContext.Current.CancellationToken);
        split.Trace.Tokens.ToArray().Should().Equal(Tokens[3..]);
        for (int layer = 0; layer < whole.Trace.Layers.Count; layer++)
        {
            split.Trace.Choices(layer).ToArray().Should().Equal(whole.Trace.Choices(layer)[(3 * whole.Trace.TopK)..].ToArray());
        }
    }
}
