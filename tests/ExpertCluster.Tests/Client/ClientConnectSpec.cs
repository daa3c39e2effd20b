using System.Diagnostics;
using ExpertCluster.Client;

namespace ExpertCluster.Tests.Client;

public sealed class ClientConnectSpec
{
    private const int Timeout = 30_000;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Theory(Timeout = Timeout)]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("localhost")]
    [InlineData("localhost:")]
    [InlineData("localhost:http")]
    [InlineData("localhost:0")]
    [InlineData("localhost:65536")]
    [InlineData(":5080")]
    [InlineData("host name:5080")]
    [InlineData("ftp://localhost:5080")]
    [InlineData("http://")]
    [InlineData("http://localhost:5080/path")]
    [InlineData("http://user:secret@localhost:5080")]
    [InlineData("localhost:5080?x=1")]
    [InlineData("::1")]
    public async Task A_malformed_endpoint_is_named(string endpoint)
    {
        InvalidRequestException error = await Assert.ThrowsAsync<InvalidRequestException>(
            () => ExpertClusterClient.ConnectAsync([endpoint], cancellationToken: Test));
        error.Message.Should().Contain($"'{endpoint}'").And.Contain("HOST:PORT");
    }

    [Fact(Timeout = Timeout)]
    public async Task No_endpoint_at_all_is_refused()
        => await Assert.ThrowsAsync<InvalidRequestException>(() => ExpertClusterClient.ConnectAsync([], cancellationToken: Test));

    [Theory(Timeout = Timeout)]
    [InlineData("{0}")]
    [InlineData("http://{0}")]
    [InlineData("http://{0}/")]
    public async Task Each_spelling_of_an_endpoint_works(string form)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ExpertClusterClient.ConnectAsync(
            [string.Format(null, form, server.Endpoint)], cancellationToken: Test);
        client.Gateways.Should().Equal(server.Endpoint);
    }

    [Fact(Timeout = Timeout)]
    public async Task An_unreachable_host_is_named_after_the_connect_timeout()
    {
        using var port = new RefusingPort();
        var options = new ExpertClusterClientOptions { ConnectTimeout = TimeSpan.FromMilliseconds(400) };
        var watch = Stopwatch.StartNew();
        GatewayUnavailableException error = await Assert.ThrowsAsync<GatewayUnavailableException>(
            () => ExpertClusterClient.ConnectAsync([port.Endpoint, "no-such-host.invalid:5080"], options, cancellationToken: Test));
        watch.Elapsed.Should().BeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(390));
        error.Message.Should().Contain(port.Endpoint).And.Contain("refused").And.Contain("no-such-host.invalid:5080").And.Contain("0.4 s");
    }

    [Fact(Timeout = Timeout)]
    public async Task One_gateway_that_answers_is_enough()
    {
        using var port = new RefusingPort();
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ExpertClusterClient.ConnectAsync([port.Endpoint, server.Endpoint], cancellationToken: Test);
        (await client.ListModelsAsync(Test)).Should().ContainSingle();
    }

    [Fact(Timeout = Timeout)]
    public async Task Connecting_can_be_cancelled()
    {
        using var port = new RefusingPort();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ExpertClusterClient.ConnectAsync([port.Endpoint], null, stop.Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task Options_out_of_range_are_named()
    {
        (ExpertClusterClientOptions Options, string Text)[] cases =
        [
            (new() { ConnectTimeout = TimeSpan.Zero }, "ConnectTimeout is 00:00:00"),
            (new() { RequestDeadline = TimeSpan.FromDays(2) }, "RequestDeadline is 2.00:00:00"),
            (new() { MaxMessageBytes = 1 }, "MaxMessageBytes is 1; it must be between 65536 and 2146435072"),
            (new() { MaxResumes = -1 }, "MaxResumes is -1"),
            (new() { RetryBackoffMin = TimeSpan.FromSeconds(3) }, "RetryBackoffMax is 00:00:02"),
            (new() { KeepAlivePingDelay = TimeSpan.FromMilliseconds(1) }, "KeepAlivePingDelay"),
        ];
        foreach ((ExpertClusterClientOptions options, string text) in cases)
        {
            InvalidRequestException error = await Assert.ThrowsAsync<InvalidRequestException>(
                () => ExpertClusterClient.ConnectAsync(["localhost:1"], options, cancellationToken: Test));
            error.Message.Should().Contain(text);
        }
    }
}
