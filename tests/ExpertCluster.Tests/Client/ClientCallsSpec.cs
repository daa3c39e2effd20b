using ExpertCluster.Client;

namespace ExpertCluster.Tests.Client;

public sealed class ClientCallsSpec
{
    private const int Timeout = 30_000;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task Models_and_reports_arrive_whole()
    {
        var report = new ClusterReport(
            "folio-moe",
            7,
            [
                new NodeReport("127.0.0.1:4053", ["expert", "gateway"], "cpu", 2, 16, "127.0.0.1:5080"),
                new NodeReport("127.0.0.1:4054", [], "", 0, 0, null),
            ],
            [[1, 2, long.MaxValue], []],
            3);
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway { OnReport = (_, _) => Task.FromResult(report) });
        await using ExpertClusterClient client = await ConnectAsync(server);
        (await client.ListModelsAsync(Test)).Should().Equal(FakeGateway.Model);
        (await client.GetClusterReportAsync("folio-moe", Test)).Should().BeEquivalentTo(report, equal => equal.WithStrictOrdering());
    }

    [Fact(Timeout = Timeout)]
    public async Task Matrices_keep_every_bit()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ConnectAsync(server);
        float[] values = [0f, -0f, float.Epsilon, float.MaxValue, float.MinValue, 1f / 3];
        FloatMatrix answer = await client.ForwardLayerAsync("m", 2, new FloatMatrix(2, 3, values), cancellationToken: Test);
        (answer.Rows, answer.Columns).Should().Be((2, 3));
        answer.Values.ToArray().Select(BitConverter.SingleToInt32Bits).Should().Equal(values.Select(BitConverter.SingleToInt32Bits));
    }

    [Fact(Timeout = Timeout)]
    public async Task The_default_limits_let_sixty_mebibytes_pass()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ConnectAsync(server);
        float[] values = new float[15 << 20];
        values[^1] = 42;
        FloatMatrix answer = await client.ForwardLayerAsync("m", 0, new FloatMatrix(15 << 10, 1 << 10, values), cancellationToken: Test);
        answer.Values.Span.SequenceEqual(values).Should().BeTrue();
    }

    [Fact(Timeout = Timeout)]
    public async Task Every_field_of_a_generate_request_arrives()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ConnectAsync(server);
        var request = new GenerateRequest
        {
            Model = "m",
            PromptTokens = [5, 6],
            MaxTokens = 3,
            Temperature = 0.7,
            TopK = 40,
            TopP = 0.9,
            Seed = long.MinValue,
            Stop = ["\n\n", "END"],
            Resume = [9],
            Options = new RequestOptions { RequestId = "r-1", Client = "c", Deadline = TimeSpan.FromSeconds(20) },
        };
        await client.GenerateAsync(request, Test).CountAsync(Test);
        GenerateRequest seen = server.Gateway.Generated.Single();
        seen.Should().BeEquivalentTo(request, equal => equal.Excluding(each => each.Options.Deadline));
        seen.Options.Deadline.Should().BePositive().And.BeLessThanOrEqualTo(TimeSpan.FromSeconds(20));
    }

    [Fact(Timeout = Timeout)]
    public async Task Tokens_come_as_they_are_made()
    {
        var goOn = new TaskCompletionSource();
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway
        {
            OnGenerate = (request, cancellation) => FakeGateway.CountAsync(request, 1, goOn.Task, cancellation),
        });
        await using ExpertClusterClient client = await ConnectAsync(server);
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x", MaxTokens = 3 }, Test))
        {
            tokens.Add(token);
            // The gateway makes no second token before the first was seen here.
            goOn.TrySetResult();
        }

        tokens.Select(token => token.Text).Should().Equal("t0 ", "t1 ", "t2 ", "");
        tokens.Select(token => token.FinishReason).Should().Equal(null, null, null, FinishReason.Length);
        tokens[^1].PromptTokens.Should().Be(3);
    }

    [Fact(Timeout = Timeout)]
    public async Task Cancelling_reaches_the_gateway()
    {
        var forwardGone = new TaskCompletionSource();
        var generateGone = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway
        {
            OnForward = async (_, _, cancellation) =>
            {
                cancellation.Register(() => forwardGone.TrySetResult());
                arrived.SetResult();
                await new TaskCompletionSource().Task.WaitAsync(cancellation);
                throw new InvalidOperationException();
            },
            OnGenerate = (request, cancellation) =>
            {
                cancellation.Register(() => generateGone.TrySetResult());
                return FakeGateway.CountAsync(request, 1, new TaskCompletionSource().Task, cancellation);
            },
        });
        await using ExpertClusterClient client = await ConnectAsync(server);

        using var stop = new CancellationTokenSource();
        Task call = client.ForwardAsync("m", new[] { 1 }, cancellationToken: stop.Token);
        await arrived.Task;
        await stop.CancelAsync();
        OperationCanceledException error = await Assert.ThrowsAsync<OperationCanceledException>(() => call);
        error.CancellationToken.Should().Be(stop.Token);
        await forwardGone.Task;

        using var stopStream = new CancellationTokenSource();
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await foreach (GeneratedToken token in client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x" }, stopStream.Token))
            {
                await stopStream.CancelAsync();
            }
        });
        await generateGone.Task;
    }

    [Fact(Timeout = Timeout)]
    public async Task Leaving_the_loop_ends_the_call()
    {
        var gone = new TaskCompletionSource();
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway
        {
            OnGenerate = (request, cancellation) =>
            {
                cancellation.Register(() => gone.TrySetResult());
                return FakeGateway.CountAsync(request, 1, new TaskCompletionSource().Task, cancellation);
            },
        });
        await using ExpertClusterClient client = await ConnectAsync(server);
        await foreach (GeneratedToken token in client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x" }, Test))
        {
            break;
        }

        await gone.Task;
    }

    [Fact(Timeout = Timeout)]
    public async Task A_deadline_ends_the_call_here_and_there()
    {
        var gone = new TaskCompletionSource();
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway
        {
            OnForward = async (_, _, cancellation) =>
            {
                cancellation.Register(() => gone.TrySetResult());
                await new TaskCompletionSource().Task.WaitAsync(cancellation);
                throw new InvalidOperationException();
            },
            OnGenerate = (request, cancellation) => FakeGateway.CountAsync(request, 1, new TaskCompletionSource().Task, cancellation),
        });
        await using ExpertClusterClient client = await ConnectAsync(server);
        var options = new RequestOptions { Deadline = TimeSpan.FromMilliseconds(250) };

        DeadlineExceededException error = await Assert.ThrowsAsync<DeadlineExceededException>(
            () => client.ForwardAsync("m", new[] { 1 }, options, cancellationToken: Test));
        error.IsRetryable.Should().BeTrue();
        await gone.Task;

        int seen = 0;
        await Assert.ThrowsAsync<DeadlineExceededException>(async () =>
        {
            await foreach (GeneratedToken token in client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x", Options = options }, Test))
            {
                seen++;
            }
        });
        seen.Should().Be(1);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_hundred_generations_run_side_by_side()
    {
        const int Calls = 100;
        int running = 0;
        var allRunning = new TaskCompletionSource();
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway
        {
            OnGenerate = (request, cancellation) =>
            {
                if (Interlocked.Increment(ref running) == Calls)
                {
                    allRunning.SetResult();
                }

                // Nobody passes before all are here, so they are truly at the same time.
                return FakeGateway.CountAsync(request, 0, allRunning.Task, cancellation);
            },
        });
        await using ExpertClusterClient client = await ConnectAsync(server);
        List<int>[] answers = await Task.WhenAll(Enumerable.Range(0, Calls).Select(async i => await client
            .GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x", MaxTokens = 10 + (i % 7) })
            .Where(token => token.Id >= 0).Select(token => token.Id).ToListAsync()));
        for (int i = 0; i < Calls; i++)
        {
            answers[i].Should().Equal(Enumerable.Range(0, 10 + (i % 7)).Select(FakeGateway.TokenAt));
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Disposing_ends_running_calls()
    {
        var arrived = new TaskCompletionSource();
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway
        {
            OnForward = async (_, _, cancellation) =>
            {
                arrived.SetResult();
                await new TaskCompletionSource().Task.WaitAsync(cancellation);
                throw new InvalidOperationException();
            },
        });
        ExpertClusterClient client = await ConnectAsync(server);
        Task call = client.ForwardAsync("m", new[] { 1 }, cancellationToken: Test);
        await arrived.Task;
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ListModelsAsync(Test));
        await client.DisposeAsync();
    }

    private static Task<ExpertClusterClient> ConnectAsync(GatewayServer server)
        => ExpertClusterClient.ConnectAsync([server.Endpoint], cancellationToken: Test);
}
