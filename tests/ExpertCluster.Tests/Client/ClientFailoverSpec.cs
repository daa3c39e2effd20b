using ExpertCluster.Client;

namespace ExpertCluster.Tests.Client;

public sealed class ClientFailoverSpec
{
    private const int Timeout = 30_000;
    private static readonly TaskCompletionSource Never = new();

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task A_stream_goes_on_at_another_gateway_without_a_gap_or_a_repeat()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        first.Gateway.OnGenerate = (request, cancellation) => FakeGateway.CountAsync(request, 5, Never.Task, cancellation);
        // The client is told of one gateway only; it learns the other from it.
        await using ExpertClusterClient client = await ConnectAsync([first.Endpoint]);

        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in client.GenerateAsync(
            new GenerateRequest { Model = "m", Prompt = "ROMEO:", MaxTokens = 12, Temperature = 0.8 }, Test))
        {
            tokens.Add(token);
            if (tokens.Count == 5)
            {
                await first.KillAsync();
            }
        }

        tokens.SkipLast(1).Should().Equal(Enumerable.Range(0, 12).Select(FakeGateway.Token));
        tokens[^1].FinishReason.Should().Be(FinishReason.Length);
        GenerateRequest before = first.Gateway.Generated.Single();
        GenerateRequest after = second.Gateway.Generated.Single();
        before.Resume.Should().BeEmpty();
        before.Seed.Should().NotBeNull("a resumed sampling must draw the same numbers");
        after.Resume.Should().Equal(Enumerable.Range(0, 5).Select(FakeGateway.TokenAt));
        after.Seed.Should().Be(before.Seed);
        after.Options.RequestId.Should().Be(before.Options.RequestId);
        after.Options.Deadline.Should().BeLessThan(before.Options.Deadline!.Value);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_greedy_request_gets_no_seed_and_a_seed_given_is_kept()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ConnectAsync([server.Endpoint]);
        var request = new GenerateRequest { Model = "m", Prompt = "x", MaxTokens = 1 };
        await client.GenerateAsync(request, Test).CountAsync(Test);
        await client.GenerateAsync(request with { Temperature = 1, Seed = -5 }, Test).CountAsync(Test);
        server.Gateway.Generated.Select(seen => seen.Seed).Should().Equal(null, -5);
    }

    [Fact(Timeout = Timeout)]
    public async Task Tokens_the_caller_resumes_from_are_counted()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        first.Gateway.OnGenerate = (request, cancellation) => FakeGateway.CountAsync(request, 3, Never.Task, cancellation);
        await using ExpertClusterClient client = await ConnectAsync([first.Endpoint]);
        List<int> indexes = [];
        await foreach (GeneratedToken token in client.GenerateAsync(
            new GenerateRequest { Model = "m", Prompt = "x", MaxTokens = 6, Resume = [FakeGateway.TokenAt(0), FakeGateway.TokenAt(1)] }, Test))
        {
            indexes.Add(token.Index);
            if (token.Index == 2)
            {
                await first.KillAsync();
            }
        }

        indexes.Should().Equal(2, 3, 4, 5, 6);
        second.Gateway.Generated.Single().Resume.Should().Equal(Enumerable.Range(0, 3).Select(FakeGateway.TokenAt));
    }

    [Fact(Timeout = Timeout)]
    public async Task Text_held_back_by_a_dead_gateway_is_not_delivered_twice()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        // Text without a token, then the stream just ends.
        first.Gateway.OnGenerate = (_, _) => Items(FakeGateway.Token(0), new GeneratedToken { Index = 1, Id = -1, Text = "held " });
        second.Gateway.OnGenerate = (_, _) => Items(
            new GeneratedToken { Index = 1, Id = -1, Text = "held " },
            FakeGateway.Token(1),
            new GeneratedToken { Index = 2, Id = -1, Text = "end", FinishReason = FinishReason.Stop, PromptTokens = 9 });
        await using ExpertClusterClient client = await ConnectAsync([first.Endpoint]);

        List<GeneratedToken> tokens = await client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x" }, Test).ToListAsync(Test);
        string.Concat(tokens.Select(token => token.Text)).Should().Be("t0 held t1 end");
        tokens[^1].PromptTokens.Should().Be(9);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_forward_pass_is_done_again_when_its_gateway_dies()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        var arrived = new TaskCompletionSource();
        first.Gateway.OnForward = async (_, _, cancellation) =>
        {
            arrived.SetResult();
            await Never.Task.WaitAsync(cancellation);
            throw new InvalidOperationException();
        };
        await using ExpertClusterClient client = await ConnectAsync([first.Endpoint]);

        Task<FloatMatrix> call = client.ForwardAsync("m", new[] { 4, 2 }, cancellationToken: Test);
        await arrived.Task;
        await first.KillAsync();
        (await call).Values.ToArray().Should().Equal(4, 2);
        (await client.ForwardAsync("m", new[] { 7 }, cancellationToken: Test)).Values.ToArray().Should().Equal(7);
    }

    [Fact(Timeout = Timeout)]
    public async Task With_every_gateway_dead_the_error_is_typed_retryable_and_names_them()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        first.Gateway.OnGenerate = second.Gateway.OnGenerate =
            (request, cancellation) => FakeGateway.CountAsync(request, 2, Never.Task, cancellation);
        await using ExpertClusterClient client = await ConnectAsync([first.Endpoint]);

        List<int> ids = [];
        GatewayUnavailableException error = await Assert.ThrowsAsync<GatewayUnavailableException>(async () =>
        {
            await foreach (GeneratedToken token in client.GenerateAsync(new GenerateRequest
            {
                Model = "m",
                Prompt = "x",
                Options = new RequestOptions { Deadline = TimeSpan.FromSeconds(1.5) },
            }, Test))
            {
                ids.Add(token.Id);
                if (ids.Count == 2)
                {
                    await Task.WhenAll(first.KillAsync(), second.KillAsync());
                }
            }
        });
        ids.Should().Equal(FakeGateway.TokenAt(0), FakeGateway.TokenAt(1));
        error.IsRetryable.Should().BeTrue();
        error.Message.Should().Contain(first.Endpoint).And.Contain(second.Endpoint).And.Contain("1.5 s");

        GatewayUnavailableException unary = await Assert.ThrowsAsync<GatewayUnavailableException>(
            () => client.ForwardAsync("m", new[] { 1 }, new RequestOptions { Deadline = TimeSpan.FromMilliseconds(300) }, cancellationToken: Test));
        unary.Message.Should().Contain(first.Endpoint).And.Contain(second.Endpoint);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_request_that_kills_its_gateways_is_given_up_after_the_limit()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeGateway { OnGenerate = (_, _) => Items() });
        await using ExpertClusterClient client = await ConnectAsync(
            [server.Endpoint], new ExpertClusterClientOptions { MaxResumes = 2, RetryBackoffMax = TimeSpan.FromMilliseconds(50) });

        GatewayUnavailableException error = await Assert.ThrowsAsync<GatewayUnavailableException>(
            async () => await client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x" }, Test).CountAsync(Test));
        error.Message.Should().Contain("MaxResumes = 2");
        server.Gateway.Generated.Should().HaveCount(3);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_gateway_that_says_it_shuts_down_is_left_for_another()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        first.Gateway.OnForward = (_, _, _) => throw new GatewayUnavailableException("draining");
        await using ExpertClusterClient client = await ConnectAsync([first.Endpoint]);
        (await client.ForwardAsync("m", new[] { 3 }, cancellationToken: Test)).Values.ToArray().Should().Equal(3);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_gateway_that_repeats_tokens_is_caught()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(
            new FakeGateway { OnGenerate = (_, _) => Items(FakeGateway.Token(0), FakeGateway.Token(0)) });
        await using ExpertClusterClient client = await ConnectAsync([server.Endpoint]);
        InternalClusterException error = await Assert.ThrowsAsync<InternalClusterException>(
            async () => await client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x" }, Test).CountAsync(Test));
        error.Message.Should().Contain(server.Endpoint).And.Contain("token 0 where token 1");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_host_that_falls_silent_is_noticed_by_its_unanswered_pings()
    {
        (GatewayServer first, GatewayServer second) = await GatewayServer.StartPairAsync();
        await using GatewayServer a = first;
        await using GatewayServer b = second;
        first.Gateway.OnGenerate = (request, cancellation) => FakeGateway.CountAsync(request, 2, Never.Task, cancellation);
        await using var proxy = new FreezingProxy(first.Endpoint);
        first.Endpoints = [second.Endpoint];
        await using ExpertClusterClient client = await ConnectAsync(
            [proxy.Endpoint],
            new ExpertClusterClientOptions { KeepAlivePingDelay = TimeSpan.FromSeconds(1), KeepAlivePingTimeout = TimeSpan.FromSeconds(1) });

        int count = 0;
        await foreach (GeneratedToken token in client.GenerateAsync(new GenerateRequest { Model = "m", Prompt = "x", MaxTokens = 4 }, Test))
        {
            if (++count == 2)
            {
                proxy.Freeze();
            }
        }

        count.Should().Be(5);
        second.Gateway.Generated.Single().Resume.Should().HaveCount(2);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_list_of_gateways_follows_the_cluster()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ConnectAsync(
            [server.Endpoint], new ExpertClusterClientOptions { GatewayRefreshInterval = TimeSpan.FromMilliseconds(100) });
        client.Gateways.Should().Equal(server.Endpoint);

        server.Endpoints = [server.Endpoint, "127.0.0.1:9", "not an endpoint", "gateway-2:5080"];
        await UntilAsync(() => client.Gateways.Count == 3);
        client.Gateways.Should().Equal(server.Endpoint, "127.0.0.1:9", "gateway-2:5080");

        server.Endpoints = ["gateway-2:5080"];
        await UntilAsync(() => client.Gateways.Count == 2);
        client.Gateways.Should().Equal(server.Endpoint, "gateway-2:5080");

        // The refresh runs behind calls, so the condition is polled by calling.
        async Task UntilAsync(Func<bool> condition)
        {
            while (!condition())
            {
                await client.ListModelsAsync(Test);
            }
        }
    }

    private static Task<ExpertClusterClient> ConnectAsync(string[] endpoints, ExpertClusterClientOptions? options = null)
        => ExpertClusterClient.ConnectAsync(endpoints, options, Test);

    private static IAsyncEnumerable<GeneratedToken> Items(params GeneratedToken[] items) => items.ToAsyncEnumerable();
}
