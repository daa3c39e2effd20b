using ExpertCluster.Client;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>A cluster of three real processes, each gateway and expert node.</summary>
public sealed class ThreeProcessesSpec : IAsyncLifetime
{
    private readonly int[] _gateways = Ports.Free(3);
    private readonly List<CliProcess> _nodes = [];

    public async ValueTask InitializeAsync()
    {
        var ports = Ports.Free(3);
        for (var i = 0; i < 3; i++)
        {
            _nodes.Add(CliProcess.Start(
                "node", "--port", $"{ports[i]}", "--seed", $"127.0.0.1:{ports[0]}", "--gateway-port", $"{_gateways[i]}", "--model", "folio-moe",
                "--threads", "1", "--min-expert-nodes", "3", "--exit-with-input"));
        }

        await Task.WhenAll(_nodes.Select((node, i) => node.SeeAsync($"Clients can connect to 127.0.0.1:{_gateways[i]}")));
    }

    public ValueTask DisposeAsync()
    {
        _nodes.ForEach(node => node.Dispose());
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_command_line_connects_and_gets_the_answer_an_embedded_cluster_gives()
    {
        var (code, json) = await CliProcess.RunJsonAsync(
            "generate", "--connect", $"127.0.0.1:{_gateways[1]}", "--prompt", "ROMEO:", "--max-tokens", "16");
        code.Should().Be(0);
        var (_, embedded) = await CliProcess.RunJsonAsync("generate", "--nodes", "1", "--prompt", "ROMEO:", "--max-tokens", "16");
        json.GetProperty("text").GetString().Should().Be(embedded.GetProperty("text").GetString());
        json.GetProperty("cluster").GetProperty("nodes").EnumerateArray().Sum(n => n.GetProperty("experts").GetInt32()).Should().Be(32);
    }

    [Fact]
    public async Task The_client_reads_models_logits_and_layers()
    {
        await using var client = await ConnectAsync(0);
        var model = (await client.ListModelsAsync(TestContext.Current.CancellationToken)).Should().ContainSingle().Subject;
        model.Should().Match<ModelInfo>(m => m.Name == "folio-moe" && m.Layers == 4 && m.ExpertsPerLayer == 8 && m.VocabularySize == 2048);
        var logits = await client.ForwardAsync("folio-moe", new[] { 1, 2, 3 }, cancellationToken: TestContext.Current.CancellationToken);
        (logits.Rows, logits.Columns).Should().Be((3, 2048));
        var layer = await client.ForwardLayerAsync(
            "folio-moe", 2, new FloatMatrix(2, 128, new float[256]), cancellationToken: TestContext.Current.CancellationToken);
        (layer.Rows, layer.Columns).Should().Be((2, 128));
        await Assert.ThrowsAsync<ModelNotFoundException>(
            () => client.ForwardAsync("nobody", new[] { 1 }, cancellationToken: TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<InvalidRequestException>(
            () => client.ForwardAsync("folio-moe", new[] { 5000 }, cancellationToken: TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task A_killed_node_changes_no_token_even_if_it_was_the_gateway_that_answered(int victim)
    {
        await using var client = await ConnectAsync(0);
        var request = new GenerateRequest { Model = "folio-moe", Prompt = "ROMEO:", MaxTokens = 120 };
        var expected = await CollectAsync(client, request, null);
        var answer = await CollectAsync(client, request, count =>
        {
            if (count == 10)
            {
                _nodes[victim].Kill();
            }
        });
        answer.Should().Equal(expected);
    }

    private static async Task<List<int>> CollectAsync(ExpertClusterClient client, GenerateRequest request, Action<int>? onToken)
    {
        var ids = new List<int>();
        await foreach (var token in client.GenerateAsync(request, TestContext.Current.CancellationToken))
        {
            if (token.Id >= 0)
            {
                token.Index.Should().Be(ids.Count);
                ids.Add(token.Id);
                onToken?.Invoke(ids.Count);
            }
        }

        return ids;
    }

    private Task<ExpertClusterClient> ConnectAsync(int gateway) => ExpertClusterClient.ConnectAsync(
        [$"127.0.0.1:{_gateways[gateway]}"], cancellationToken: TestContext.Current.CancellationToken);
}
