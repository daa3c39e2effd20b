using ExpertCluster.Client;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Node.Embedded;
using ExpertCluster.Tensors;

namespace ExpertCluster.Cluster.Tests.Embedded;

public sealed class EmbeddedNoReplicaSpec
{
    private const string Model = "folio-moe";
    private const string Prompt = "ROMEO: what say you?";
    private const int Layer = 1;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task By_default_an_answer_waits_for_the_expert_and_is_the_model_s_own()
    {
        await using var cluster = await FolioCluster.StartAsync(2, cancellationToken: Stop);
        var tokens = cluster.Model.Encode(Prompt).ToArray();
        var expected = await cluster.Client.ForwardAsync(Model, tokens, cancellationToken: Stop);
        var rows = cluster.Model.Experts.Statistics(Layer).Rows();
        var expert = Chosen(cluster, tokens);
        var whole = Lose(cluster, expert);
        var degraded = false;
        var answer = cluster.Client.ForwardAsync(Model, tokens, new RequestOptions { Degraded = () => degraded = true }, Stop);
        await Eventually.HoldsAsync(
            () => cluster.Model.Experts.Statistics(Layer).Rows().Sum() == (2 * rows.Sum()) - rows[expert], "all other experts have answered");
        answer.IsCompleted.Should().BeFalse();
        Publish(cluster, whole);
        (await answer).Values.ToArray().Should().Equal(expected.Values.ToArray());
        degraded.Should().BeFalse();
    }

    [Fact]
    public async Task Degraded_answers_are_those_of_the_survivors_and_say_so()
    {
        await using var cluster = await StartAsync(RouterOptions.Degrade);
        var tokens = cluster.Model.Encode(Prompt).ToArray();
        var marks = 0;
        var options = new RequestOptions { Degraded = () => marks++ };
        await cluster.Client.ForwardAsync(Model, tokens, options, Stop);
        marks.Should().Be(0, "all experts are there");

        var expert = Chosen(cluster, tokens);
        Lose(cluster, expert);
        var (expected, rows) = await ReferenceAsync(tokens, expert);
        rows.Should().BeInRange(1, tokens.Length - 1);
        var logits = await cluster.Client.ForwardAsync(Model, tokens, options, Stop);
        Near(logits.Values, expected);
        marks.Should().Be(1);
        var report = await cluster.Client.GetClusterReportAsync(Model, Stop);
        report.Degraded.Should().Be(rows);

        var hidden = new FloatMatrix(16, cluster.Model.Shape.HiddenSize, Hidden(16 * cluster.Model.Shape.HiddenSize));
        var (layer, some) = await ReferenceAsync(hidden, expert);
        Near((await cluster.Client.ForwardLayerAsync(Model, Layer, hidden, options, Stop)).Values, layer);
        some.Should().BeInRange(1, hidden.Rows);
        marks.Should().Be(2);
        (await cluster.Client.GetClusterReportAsync(Model, Stop)).Since(report).Degraded.Should().Be(some);

        List<bool> generated = [];
        await foreach (var token in cluster.Client.GenerateAsync(new GenerateRequest { Model = Model, Prompt = Prompt, MaxTokens = 4 }, Stop))
        {
            generated.Add(token.IsDegraded);
        }

        generated.Should().NotBeEmpty().And.OnlyContain(mark => mark, "the prompt was read without the expert");
    }

    [Fact]
    public async Task Failing_tells_experts_and_layer_at_once()
    {
        await using var cluster = await StartAsync(RouterOptions.Fail);
        var tokens = cluster.Model.Encode(Prompt).ToArray();
        await cluster.Client.ForwardAsync(Model, tokens, cancellationToken: Stop);
        var expert = Chosen(cluster, tokens);
        Lose(cluster, expert);
        var error = await Assert.ThrowsAsync<ExpertsUnavailableException>(() => cluster.Client.ForwardAsync(Model, tokens, cancellationToken: Stop));
        error.Message.Should().Contain($"Experts {expert} of {Model} layer {Layer} have no ready replica");
        error.IsRetryable.Should().BeTrue();
    }

    private static Task<EmbeddedCluster> StartAsync(string policy) =>
        FolioCluster.StartAsync(2, configure: (_, node) => node.Router.NoReplica = policy, cancellationToken: Stop);

    /// <summary>An expert that some of the tokens chose, and others did not; after one pass over them.</summary>
    private static int Chosen(EmbeddedCluster cluster, int[] tokens)
    {
        var rows = cluster.Model.Experts.Statistics(Layer).Rows();
        return Enumerable.Range(0, rows.Length).Where(expert => rows[expert] > 0 && rows[expert] < tokens.Length).MaxBy(expert => rows[expert]);
    }

    /// <summary>The gateway hears that an expert has no replica. Returns the placement before.</summary>
    private static LayerPlacement Lose(EmbeddedCluster cluster, int expert)
    {
        var whole = cluster.Gateway.Board.Routes(Model, Layer)!.Placement;
        Publish(cluster, whole with { Replicas = [.. whole.Replicas.Where(r => r.Replica.Expert != expert)] });
        return whole;
    }

    private static void Publish(EmbeddedCluster cluster, LayerPlacement placement) =>
        cluster.Gateway.Board.Publish(placement with { Epoch = cluster.Gateway.Board.Epoch(Model) + 1 });

    private static async Task<(float[] Logits, int Rows)> ReferenceAsync(int[] tokens, int expert)
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        using var checkpoint = ModelCheckpoint.Open(TestModels.Folio);
        using var experts = await LocalExperts.LoadAsync(checkpoint, executor);
        await using var dense = await executor.RunAsync(() => checkpoint.LoadDense(executor));
        using var sequence = dense.NewSequence();
        var survivors = new SurvivingExperts(experts, Layer, expert);
        var result = await dense.StepAsync([new StepSlice(sequence, tokens, LogitsWanted.All)], survivors, Stop);
        return (result.Logits[0], survivors.Degraded);
    }

    private static async Task<(float[] Output, int Rows)> ReferenceAsync(FloatMatrix hidden, int expert)
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        using var checkpoint = ModelCheckpoint.Open(TestModels.Folio);
        using var experts = await LocalExperts.LoadAsync(checkpoint, executor);
        await using var dense = await executor.RunAsync(() => checkpoint.LoadDense(executor));
        var survivors = new SurvivingExperts(experts, Layer, expert);
        var output = new float[hidden.Values.Length];
        var routing = await dense.RouteAsync(Layer, hidden.Values, hidden.Rows);
        await survivors.ApplyAsync(Layer, new RoutedRows(hidden.Rows, hidden.Columns, hidden.Values, routing), output, Stop);
        return (output, survivors.Degraded);
    }

    private static float[] Hidden(int count)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, count).Select(_ => (float)((2 * random.NextDouble()) - 1))];
    }

    private static void Near(ReadOnlyMemory<float> actual, float[] expected)
    {
        actual.Length.Should().Be(expected.Length);
        var scale = expected.Max(MathF.Abs);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(MathF.Abs(actual.Span[i] - expected[i]) <= 1e-5f * scale, $"{actual.Span[i]} at {i} instead of {expected[i]}");
        }
    }
}
