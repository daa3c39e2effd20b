using ExpertCluster.Client;

namespace ExpertCluster.Tests.Client;

public sealed class ClientErrorsSpec
{
    private const int Timeout = 30_000;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public static TheoryData<string> Codes =>
    [
        DeadlineExceededException.ErrorCode, ExpertsUnavailableException.ErrorCode, InternalClusterException.ErrorCode,
        InvalidRequestException.ErrorCode, ModelNotFoundException.ErrorCode, QueueFullException.ErrorCode,
    ];

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(Codes))]
    public async Task A_typed_error_comes_out_as_it_was_thrown(string code)
    {
        ExpertClusterException thrown = Make(code);
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway
        {
            OnForward = (_, _, _) => throw thrown,
            OnForwardLayer = (_, _, _) => throw thrown,
            OnListModels = _ => throw thrown,
            OnReport = (_, _) => throw thrown,
            OnGenerate = (_, _) => throw thrown,
        });
        await using ExpertClusterClient client = await ConnectAsync(server);

        Func<Task>[] calls =
        [
            () => client.ListModelsAsync(),
            () => client.GetClusterReportAsync("m"),
            () => client.ForwardAsync("m", new[] { 1 }),
            () => client.ForwardLayerAsync("m", 0, new FloatMatrix(1, 1, new float[1])),
            async () => await client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x" }, Test).FirstAsync(),
        ];
        foreach (Func<Task> call in calls)
        {
            var error = (ExpertClusterException)(await Record.ExceptionAsync(call))!;
            error.Should().BeOfType(thrown.GetType());
            error.Message.Should().Be(thrown.Message);
            error.Code.Should().Be(code);
            error.IsRetryable.Should().Be(thrown.IsRetryable);
            if (error is QueueFullException full)
            {
                full.RetryAfter.Should().Be(TimeSpan.FromMilliseconds(1501), "a wait is rounded up, never down");
            }
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_full_queue_is_not_tried_again()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        int calls = 0;
        first.Gateway.OnForward = second.Gateway.OnForward = (_, _, _) =>
        {
            calls++;
            throw Make(QueueFullException.ErrorCode);
        };
        await using ExpertClusterClient client = await ConnectAsync(first);

        await Assert.ThrowsAsync<QueueFullException>(() => client.ForwardAsync("m", new[] { 1 }, cancellationToken: Test));
        calls.Should().Be(1);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_code_from_a_newer_gateway_is_kept()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(
            new FakeGateway { OnForward = (_, _, _) => throw new FutureException() });
        await using ExpertClusterClient client = await ConnectAsync(server);

        InternalClusterException error = await Assert.ThrowsAsync<InternalClusterException>(
            () => client.ForwardAsync("m", new[] { 1 }, cancellationToken: Test));
        error.Code.Should().Be("budget_spent");
        error.IsRetryable.Should().BeTrue();
        error.Message.Should().Be("come back tomorrow");
    }

    [Fact(Timeout = Timeout)]
    public async Task An_unexpected_failure_names_the_request_and_shows_no_inside()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(
            new FakeGateway { OnForward = (_, _, _) => throw new InvalidOperationException("secret path") });
        await using ExpertClusterClient client = await ConnectAsync(server);

        InternalClusterException error = await Assert.ThrowsAsync<InternalClusterException>(
            () => client.ForwardAsync("m", new[] { 1 }, new RequestOptions { RequestId = "req-17" }, cancellationToken: Test));
        error.Message.Should().Contain("req-17").And.NotContain("secret").And.NotContain("   at ");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_very_long_message_is_cut_and_still_typed()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(
            new FakeGateway { OnForward = (_, _, _) => throw new InvalidRequestException("é\n" + new string('界', 100_000)) });
        await using ExpertClusterClient client = await ConnectAsync(server);

        InvalidRequestException error = await Assert.ThrowsAsync<InvalidRequestException>(
            () => client.ForwardAsync("m", new[] { 1 }, cancellationToken: Test));
        error.Message.Should().StartWith("é\n界").And.EndWith("…");
    }

    private static Task<ExpertClusterClient> ConnectAsync(GatewayServer server)
        => ExpertClusterClient.ConnectAsync([server.Endpoint], cancellationToken: Test);

    private static ExpertClusterException Make(string code)
        => code switch
        {
            DeadlineExceededException.ErrorCode => new DeadlineExceededException("too late, ünïcode"),
            ExpertsUnavailableException.ErrorCode => new ExpertsUnavailableException("L02/E05 has no replica"),
            InternalClusterException.ErrorCode => new InternalClusterException("broken"),
            InvalidRequestException.ErrorCode => new InvalidRequestException("tokens[3] is 99; it must be below 96"),
            ModelNotFoundException.ErrorCode => new ModelNotFoundException("no model 'm'"),
            _ => new QueueFullException("64 requests wait", TimeSpan.FromMilliseconds(1500.2)),
        };

    private sealed class FutureException() : ExpertClusterException("budget_spent", "come back tomorrow", isRetryable: true);
}
