using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Models.Generation;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cluster.Tests.Embedded;

/// <summary>Starts embedded clusters and asks them.</summary>
internal static class FolioCluster
{
    public static async Task<EmbeddedCluster> StartAsync(
        int nodes, string? model = null, Action<int, ExpertClusterOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions { Nodes = nodes, Models = [model ?? TestModels.Folio], Configure = configure },
            cancellationToken: cancellationToken);
        try
        {
            await cluster.WhenReadyAsync(cancellationToken: cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public static GenerationRequest Request(IReadOnlyList<int> prompt, int maxTokens, TimeSpan? deadline = null) =>
        new(Guid.NewGuid().ToString("n"), prompt, maxTokens, new SamplingOptions(), [], [], deadline);

    public static async Task<List<int>> GenerateAsync(
        ModelGateway gateway, GenerationRequest request, Action<int>? onToken = null, CancellationToken cancellationToken = default)
    {
        var tokens = new List<int>();
        await foreach (var token in gateway.GenerateAsync(request, cancellationToken))
        {
            if (token.Id >= 0)
            {
                tokens.Add(token.Id);
                onToken?.Invoke(tokens.Count);
            }
        }

        return tokens;
    }
}
