using ExpertCluster.Client;

namespace ExpertCluster.EndToEnd.Tests;

public sealed class MemorySpec
{
    private const int Requests = 1000;

    /// <summary>Room for what a garbage collector has not collected yet; a leak of one 512-row KV cache a request would be 1 GB.</summary>
    private const long Slack = 64L << 20;

    [Fact]
    public async Task A_thousand_requests_leave_the_memory_of_a_node_as_it_was()
    {
        var gateway = Ports.Free(1)[0];
        using var node = CliProcess.Start("node", "--gateway-port", $"{gateway}", "--model", "folio-moe", "--threads", "1", "--exit-with-input");
        await node.SeeAsync($"Clients can connect to 127.0.0.1:{gateway}");
        await using var client = await ExpertClusterClient.ConnectAsync(
            [$"127.0.0.1:{gateway}"], cancellationToken: TestContext.Current.CancellationToken);

        await RunAsync(client, Requests / 4);
        var before = node.ResidentBytes;
        await RunAsync(client, Requests);
        var after = node.ResidentBytes;

        TestContext.Current.TestOutputHelper!.WriteLine($"resident: {before >> 20} MiB before, {after >> 20} MiB after {Requests} requests");
        (after - before).Should().BeLessThan(Slack);
    }

    private static async Task RunAsync(ExpertClusterClient client, int requests)
    {
        for (var i = 0; i < requests; i++)
        {
            var request = new GenerateRequest { Model = "folio-moe", Prompt = "ROMEO:", MaxTokens = 2 };
            await foreach (var token in client.GenerateAsync(request, TestContext.Current.CancellationToken))
            {
                token.Id.Should().BeGreaterThanOrEqualTo(0);
            }
        }
    }
}
