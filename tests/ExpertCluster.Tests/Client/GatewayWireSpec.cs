using ExpertCluster.Client;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Options;

namespace ExpertCluster.Tests.Client;

/// <summary>What the gateway's endpoint accepts and refuses; partly with bytes that the SDK would not send.</summary>
public sealed class GatewayWireSpec
{
    private const int Timeout = 30_000;
    private static readonly GenerateRequest Request = new() { Model = "m", Prompt = "x" };

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task An_encoder_s_source_arrives_beside_the_tokens()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        server.Gateway.OnForward = (tokens, options, _) => Task.FromResult(
            new FloatMatrix(1, 3, new float[] { tokens.Length, options.Source.Length, options.Source.Span[1] }));
        await using ExpertClusterClient client = await ExpertClusterClient.ConnectAsync([server.Endpoint], cancellationToken: Test);
        FloatMatrix answer = await client.ForwardAsync("m", new[] { 1 }, new RequestOptions { Source = new[] { 4, 5 } }, Test);
        answer.Values.ToArray().Should().Equal(1, 2, 5);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_client_s_name_arrives_and_is_empty_where_none_was_given()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ExpertClusterClient.ConnectAsync([server.Endpoint], cancellationToken: Test);
        await client.GenerateAsync(Request with { MaxTokens = 1, Options = new RequestOptions { Client = "billing, 2" } }, Test).CountAsync(Test);
        await client.GenerateAsync(Request with { MaxTokens = 1 }, Test).CountAsync(Test);
        server.Gateway.Generated.Select(request => request.Options.Client).Should().Equal("billing, 2", "");
    }

    [Fact(Timeout = Timeout)]
    public async Task Degraded_answers_are_marked_and_others_are_not()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        server.Gateway.DegradedLayer = 3;
        server.Gateway.OnForward = (tokens, options, _) =>
        {
            if (tokens.Length > 1)
            {
                options.Degraded!();
            }

            return Task.FromResult(new FloatMatrix(1, 1, new float[1]));
        };
        server.Gateway.OnReport = (model, _) => Task.FromResult(new ClusterReport(model, 1, [], [], 2) { Degraded = 5 });
        server.Gateway.OnGenerate = (_, _) => Tokens().ToAsyncEnumerable();
        await using ExpertClusterClient client = await ExpertClusterClient.ConnectAsync([server.Endpoint], cancellationToken: Test);
        int marks = 0;
        var options = new RequestOptions { Degraded = () => marks++ };
        await client.ForwardAsync("m", new[] { 1 }, options, Test);
        await client.ForwardLayerAsync("m", 2, new FloatMatrix(1, 1, new float[1]), options, Test);
        marks.Should().Be(0);
        await client.ForwardAsync("m", new[] { 1, 2 }, options, Test);
        marks.Should().Be(1);
        await client.ForwardAsync("m", new[] { 1, 2 }, cancellationToken: Test);
        await client.ForwardLayerAsync("m", 3, new FloatMatrix(1, 1, new float[1]), options, Test);
        marks.Should().Be(2);
        ClusterReport report = await client.GetClusterReportAsync("m", Test);
        (report.Retries, report.Degraded).Should().Be((2, 5));
        report.Since(report with { Degraded = 3 }).Degraded.Should().Be(2);
        List<GeneratedToken> tokens = await client.GenerateAsync(Request, Test).ToListAsync(Test);
        tokens.Select(token => token.IsDegraded).Should().Equal(false, true);

        static IEnumerable<GeneratedToken> Tokens() =>
            [FakeGateway.Token(0), FakeGateway.Token(1) with { IsDegraded = true, FinishReason = FinishReason.Stop }];
    }

    [Fact(Timeout = Timeout)]
    public async Task Bad_requests_name_the_field_and_its_value()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await using ExpertClusterClient client = await ExpertClusterClient.ConnectAsync([server.Endpoint], cancellationToken: Test);
        (Func<Task> Call, string Text)[] cases =
        [
            (() => client.ForwardAsync("", new[] { 1 }), "model has 0 characters"),
            (() => client.ForwardAsync(new string('m', 257), new[] { 1 }), "model has 257 characters"),
            (() => client.ForwardAsync("m", Array.Empty<int>()), "tokens is empty"),
            (() => client.ForwardAsync("m", new[] { 1, -2 }), "tokens[1] is -2"),
            (() => client.ForwardAsync("m", new[] { 1 }, new RequestOptions { Source = new[] { 4, -3 } }), "source[1] is -3"),
            (() => client.ForwardAsync("m", new[] { 1 }, new RequestOptions { RequestId = "a\nb" }), "call.request_id"),
            (() => client.ForwardAsync("m", new[] { 1 }, new RequestOptions { Client = "ä" }), "call.client has 1 characters"),
            (() => client.ForwardAsync("m", new[] { 1 }, new RequestOptions { Client = new string('c', 129) }), "call.client has 129 characters"),
            (() => client.ForwardAsync("m", new[] { 1 }, new RequestOptions { Deadline = TimeSpan.Zero }), "Deadline is 00:00:00"),
            (() => client.ForwardLayerAsync("m", -1, new FloatMatrix(1, 1, new float[1])), "layer is -1"),
            (() => client.ForwardLayerAsync("m", 0, new FloatMatrix(0, 4, default)), "hidden.rows is 0"),
            (() => client.ForwardLayerAsync("m", 0, new FloatMatrix(4, 0, default)), "hidden.columns is 0"),
            (() => client.ForwardLayerAsync("m", 0, new FloatMatrix(2, 2, new[] { 0, 0, float.NaN, 0 })), "hidden[1, 0] is NaN"),
            (() => client.ForwardLayerAsync("m", 0, new FloatMatrix(1, 2, new[] { 0, float.NegativeInfinity })), "hidden[0, 1] is -"),
            (Generate(Request with { Prompt = null }), "neither"),
            (Generate(Request with { PromptTokens = [1] }), "both"),
            (Generate(Request with { Prompt = "" }), "prompt is empty"),
            (Generate(Request with { Prompt = null, PromptTokens = [0, 1, -1] }), "prompt_tokens[2] is -1"),
            (Generate(Request with { MaxTokens = 0 }), "max_tokens is 0"),
            (Generate(Request with { Temperature = -0.5 }), "temperature is -0.5"),
            (Generate(Request with { Temperature = double.NaN }), "temperature is NaN"),
            (Generate(Request with { Temperature = 101 }), "temperature is 101"),
            (Generate(Request with { TopK = -1 }), "top_k is -1"),
            (Generate(Request with { TopP = 0 }), "top_p is 0"),
            (Generate(Request with { TopP = 1.5 }), "top_p is 1.5"),
            (Generate(Request with { Stop = ["a", ""] }), "stop[1] is empty"),
            (Generate(Request with { Stop = [.. Enumerable.Repeat("a", 17)] }), "17"),
            (Generate(Request with { Resume = [-7] }), "resume[0] is -7"),
            (Generate(Request with { MaxTokens = 1, Resume = [1, 2] }), "resume tokens is 2"),
        ];
        foreach ((Func<Task> call, string text) in cases)
        {
            (await Assert.ThrowsAsync<InvalidRequestException>(call)).Message.Should().Contain(text);
        }

        server.Gateway.Generated.Should().BeEmpty("nothing is started for a request that is wrong");

        Func<Task> Generate(GenerateRequest request) => async () => await client.GenerateAsync(request, Test).CountAsync();
    }

    [Theory(Timeout = Timeout)]
    [InlineData(2, 3, 20)]
    [InlineData(2, 3, 28)]
    [InlineData(2, 3, 0)]
    [InlineData(int.MaxValue, int.MaxValue, 4)]
    [InlineData(-1, -1, 4)]
    public async Task A_matrix_whose_size_is_not_that_of_its_bytes_is_refused(int rows, int columns, int bytes)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        byte[] matrix = Message(writer =>
        {
            Int(writer, 1, rows);
            Int(writer, 2, columns);
            Bytes(writer, 3, new byte[bytes]);
        });
        byte[] request = Message(writer =>
        {
            Bytes(writer, 2, "m"u8.ToArray());
            Bytes(writer, 4, matrix);
        });
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => CallAsync(server, "ForwardLayer", request));
        error.StatusCode.Should().Be(StatusCode.InvalidArgument);
        error.Trailers.GetValue("ec-code").Should().Be("invalid_request");
        error.Trailers.GetValue("ec-retryable").Should().Be("false");
        error.Status.Detail.Should().Contain("hidden.");
    }

    [Fact(Timeout = Timeout)]
    public async Task Unknown_fields_are_ignored_and_missing_ones_have_defaults()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        byte[] request = Message(writer =>
        {
            Bytes(writer, 2, "m"u8.ToArray());
            Bytes(writer, 3, "hello"u8.ToArray());
            Bytes(writer, 999, "from the future"u8.ToArray());
        });
        using var channel = GrpcChannel.ForAddress($"http://{server.Endpoint}");
        using AsyncServerStreamingCall<byte[]> call = channel.CreateCallInvoker().AsyncServerStreamingCall(
            Method(MethodType.ServerStreaming, "Generate"), null, default, request);
        (await call.ResponseStream.MoveNext(Test)).Should().BeTrue();

        GenerateRequest seen = server.Gateway.Generated.Single();
        seen.Prompt.Should().Be("hello");
        (seen.MaxTokens, seen.TopP, seen.Temperature, seen.Seed).Should().Be((128, 1, 0, null));
        seen.Options.RequestId.Should().NotBeNullOrEmpty();
        seen.Options.Deadline.Should().BeNull();
    }

    [Fact(Timeout = Timeout)]
    public async Task Bytes_that_are_no_message_do_no_harm()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        await Assert.ThrowsAsync<RpcException>(() => CallAsync(server, "Forward", [0xFF, 0xFF, 0xFF, 0xFF]));
        await Assert.ThrowsAsync<RpcException>(() => CallAsync(server, "NoSuchMethod", []));
        await using ExpertClusterClient client = await ExpertClusterClient.ConnectAsync([server.Endpoint], cancellationToken: Test);
        (await client.ListModelsAsync(Test)).Should().ContainSingle();
    }

    [Fact(Timeout = Timeout)]
    public async Task A_message_too_large_says_which_limit_to_raise()
    {
        const int Small = 64 << 10;
        var large = new FloatMatrix(200, 100, new float[20_000]);
        var fake = new FakeGateway { OnForward = (_, _, _) => Task.FromResult(large) };
        await using GatewayServer roomy = await GatewayServer.StartAsync(fake);
        await using GatewayServer tight = await GatewayServer.StartAsync(
            fake, options => options.MaxReceiveMessageBytes = options.MaxSendMessageBytes = Small);
        await using ExpertClusterClient narrow = await ExpertClusterClient.ConnectAsync(
            [roomy.Endpoint], new ExpertClusterClientOptions { MaxMessageBytes = Small }, cancellationToken: Test);
        await using ExpertClusterClient wide = await ExpertClusterClient.ConnectAsync([tight.Endpoint], cancellationToken: Test);

        (await RefusedAsync(() => narrow.ForwardLayerAsync("m", 0, large))).Should().Contain("MaxMessageBytes allows 65536");
        (await RefusedAsync(() => narrow.ForwardAsync("m", new[] { 1 }))).Should().Contain("MaxMessageBytes").And.Contain(roomy.Endpoint);
        (await RefusedAsync(() => wide.ForwardLayerAsync("m", 0, large))).Should().Contain("limits of the gateway").And.Contain(tight.Endpoint);
        (await RefusedAsync(() => wide.ForwardAsync("m", new[] { 1 }))).Should().Contain("[200, 100]").And.Contain("MaxSendMessageBytes");

        static async Task<string> RefusedAsync(Func<Task> call) => (await Assert.ThrowsAsync<InvalidRequestException>(call)).Message;
    }

    [Fact(Timeout = Timeout)]
    public async Task Limits_out_of_range_stop_the_host_before_it_listens()
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => GatewayServer.StartAsync(configure: options => options.MaxReceiveMessageBytes = 5));
        error.Message.Should().Contain("ExpertCluster:Grpc:MaxReceiveMessageBytes is 5");
    }

    private static async Task<byte[]> CallAsync(GatewayServer server, string method, byte[] request)
    {
        using var channel = GrpcChannel.ForAddress($"http://{server.Endpoint}");
        return await channel.CreateCallInvoker().AsyncUnaryCall(Method(MethodType.Unary, method), null, default, request);
    }

    private static Method<byte[], byte[]> Method(MethodType type, string name)
    {
        Marshaller<byte[]> raw = Marshallers.Create(bytes => bytes, bytes => bytes);
        return new Method<byte[], byte[]>(type, "expertcluster.v1.ExpertClusterGateway", name, raw, raw);
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        using (var writer = new CodedOutputStream(memory, leaveOpen: true))
        {
            write(writer);
        }

        return memory.ToArray();
    }

    private static void Int(CodedOutputStream writer, int field, int value)
    {
        writer.WriteTag(field, WireFormat.WireType.Varint);
        writer.WriteInt32(value);
    }

    private static void Bytes(CodedOutputStream writer, int field, byte[] value)
    {
        writer.WriteTag(field, WireFormat.WireType.LengthDelimited);
        writer.WriteBytes(ByteString.CopyFrom(value));
    }
}
