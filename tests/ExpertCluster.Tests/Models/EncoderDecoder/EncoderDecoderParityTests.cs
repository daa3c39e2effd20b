using ExpertCluster.Models;
using ExpertCluster.Tensors.Checkpoints;
using ExpertCluster.Tests.Models.Families;
using ExpertCluster.Tests.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Models.EncoderDecoder;

public sealed class EncoderDecoderParityTests
{
    private const string Switch = """
        "model_type": "switch_transformers", "d_model": 24, "d_kv": 6, "d_ff": 20, "num_heads": 3, "num_layers": 4, "num_decoder_layers": 3,
        "num_experts": 5, "pad_token_id": 0
        """;

    private const string Nllb = """
        "model_type": "nllb-moe", "d_model": 24, "encoder_layers": 4, "decoder_layers": 3, "encoder_attention_heads": 4,
        "decoder_attention_heads": 3, "encoder_ffn_dim": 20, "decoder_ffn_dim": 28, "num_experts": 5, "max_position_embeddings": 256
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Configs =>
    [
        "{" + Switch + "}",
        """{ "num_sparse_encoder_layers": 4, "num_sparse_decoder_layers": 1, "tie_word_embeddings": false, "router_bias": true, "dense_act_fn": "gelu_new", "relative_attention_num_buckets": 8, "relative_attention_max_distance": 20, "layer_norm_epsilon": 0.001, """ + Switch + "}",
        """{ "num_sparse_encoder_layers": 0, "decoder_sparse_step": 2, "feed_forward_proj": "relu", "expert_capacity": 1, """ + Switch + "}",
        """{ "encoder_sparse_step": 2, "decoder_sparse_step": 1, """ + Nllb + "}",
        """{ "encoder_sparse_step": 0, "decoder_sparse_step": 3, "moe_token_dropout": 0.0, "scale_embedding": false, "router_bias": true, "activation_function": "silu", "tie_word_embeddings": false, "pad_token_id": 3, "normalize_router_prob_before_dropping": true, "batch_prioritized_routing": true, "transformers_version": "5.17.0", """ + Nllb + "}",
    ];

    [Theory]
    [MemberData(nameof(Configs))]
    public async Task A_model_equals_float64_loops_in_one_go_and_through_the_cache(string config)
    {
        TinyModel tiny = TinyEncoderDecoders.Create(config, seed: 11);
        using var folder = new TempFolder();
        tiny.Write(folder.Path);
        int[] source = Ids(37, 1);
        int[] target = Ids(29, 2);
        float[] expected = new NaiveEncoderDecoder(tiny).Logits(source, target);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);

        using DecoderSequence whole = await fixture.EncodeAsync(source);
        double error = ModelFixture.RelativeError(await fixture.LogitsAsync(whole, target, LogitsWanted.All), expected);
        TestContext.Current.TestOutputHelper?.WriteLine($"{tiny.Config["model_type"]} {error:0.0e+00}");
        error.Should().BeLessThan(2e-5);

        // Several sources in one step, and then several targets, in chunks and token by token.
        using DecoderSequence chunked = fixture.Model.NewSequence();
        using DecoderSequence beside = fixture.Model.NewSequence();
        await fixture.Model.StepAsync(
            [
                new StepSlice(beside, Ids(5, 3), LogitsWanted.None, Encode: true),
                new StepSlice(chunked, source, LogitsWanted.None, Encode: true),
            ],
            fixture.Experts,
            Ct);
        chunked.SourceLength.Should().Be(source.Length);
        var actual = new List<float>();
        int at = 0;
        foreach (int count in (int[])[5, 1, 8, .. Enumerable.Repeat(1, 15)])
        {
            StepResult result = await fixture.Model.StepAsync(
                [new StepSlice(beside, Ids(2, at), LogitsWanted.None), new StepSlice(chunked, target[at..(at + count)], LogitsWanted.All)], fixture.Experts, Ct);
            actual.AddRange(result.Logits[1]);
            at += count;
        }

        ModelFixture.RelativeError([.. actual], expected).Should().BeLessThan(2e-5);
        chunked.Bytes.Should().BeLessThanOrEqualTo(fixture.Model.KvBytes(target.Length, source.Length));

        chunked.Truncate(7);
        ModelFixture.RelativeError(
            await fixture.LogitsAsync(chunked, target[7..], LogitsWanted.All), expected.AsSpan(7 * TinyEncoderDecoders.Vocabulary)).Should().BeLessThan(2e-5);
    }

    [Theory]
    [InlineData("switch-tiny")]
    [InlineData("nllb-moe-tiny")]
    public async Task A_golden_agrees_in_logits_every_state_and_generated_tokens(string name)
    {
        string directory = Path.Combine(AppContext.BaseDirectory, "Goldens", name);

        // transformers 5.17, which made the goldens, sends nllb-moe's tokens to two fixed experts.
        await using ModelFixture fixture = await ModelFixture.LoadAsync(directory, likeReference: true);
        using SafetensorsFile golden = SafetensorsFile.Open(Path.Combine(directory, "golden.safetensors"));
        int[][] sources = Rows(golden, "input_ids");
        int[][] targets = Rows(golden, "decoder_input_ids");
        using DecoderSequence first = fixture.Model.NewSequence();
        using DecoderSequence second = fixture.Model.NewSequence();
        var capture = new StepCapture();
        await fixture.Model.StepAsync(
            [
                new StepSlice(first, sources[0], LogitsWanted.None, Encode: true),
                new StepSlice(second, sources[1], LogitsWanted.None, Encode: true),
            ],
            fixture.Experts,
            Ct,
            capture);
        StepResult result = await fixture.Model.StepAsync(
            [new StepSlice(first, targets[0], LogitsWanted.All), new StepSlice(second, targets[1], LogitsWanted.All)], fixture.Experts, Ct, capture);
        ModelShape shape = fixture.Model.Shape;
        capture.HiddenStates.Should().HaveCount(shape.Layers + 2);
        for (int i = 0; i < capture.HiddenStates.Count; i++)
        {
            string state = i <= shape.EncoderLayers ? $"encoder_hidden_states.{i}" : $"decoder_hidden_states.{i - shape.EncoderLayers - 1}";
            ModelFixture.RelativeError(capture.HiddenStates[i], golden.ReadFloats(state)).Should().BeLessThan(1e-4, state);
        }

        ModelFixture.RelativeError([.. result.Logits[0], .. result.Logits[1]], golden.ReadFloats("logits")).Should().BeLessThan(1e-4);
        int[] generated = Rows(golden, "generated")[0];
        (await fixture.GenerateAsync(sources[0], generated.Length - 1)).Should().Equal(generated);
    }

    [Fact]
    public async Task Served_nllb_routes_by_its_router_although_its_reference_does_not()
    {
        string directory = Path.Combine(AppContext.BaseDirectory, "Goldens", "nllb-moe-tiny");
        await using ModelFixture fixture = await ModelFixture.LoadAsync(directory);
        fixture.Checkpoint.ReferenceDefect.Should().Contain("transformers 5.17.0");
        int layer = fixture.Model.Shape.MoeLayers[^1];
        var rows = new float[64 * fixture.Model.Shape.HiddenSize];
        var random = new Random(5);
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = (float)random.NextDouble() - 0.5f;
        }

        (await fixture.Model.RouteAsync(layer, rows, 64)).Experts.Distinct().Should().HaveCountGreaterThan(4);
        await using ModelFixture like = await ModelFixture.LoadAsync(directory, likeReference: true);
        (await like.Model.RouteAsync(layer, rows, 64)).Experts.Distinct().Should().BeEquivalentTo([0, 1]);
    }

    [Fact]
    public async Task Steps_out_of_order_are_refused_and_change_nothing()
    {
        using var folder = new TempFolder();
        TinyEncoderDecoders.Create("{" + Switch + "}", 1).Write(folder.Path);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        await FluentActions.Awaiting(() => fixture.LogitsAsync(sequence, [1])).Should().ThrowAsync<ArgumentException>().WithMessage("*source*");
        using DecoderSequence encoded = await fixture.EncodeAsync([1, 2, 3]);
        await FluentActions.Awaiting(() => fixture.Model.StepAsync(
            [new StepSlice(encoded, new[] { 1 }, LogitsWanted.Last), new StepSlice(sequence, new[] { 1 }, LogitsWanted.None, Encode: true)], fixture.Experts, Ct))
            .Should().ThrowAsync<ArgumentException>().WithMessage("*not through both*");
        await FluentActions.Awaiting(() => fixture.Model.StepAsync(
            [new StepSlice(encoded, new[] { 1 }, LogitsWanted.None, Encode: true)], fixture.Experts, Ct))
            .Should().ThrowAsync<ArgumentException>().WithMessage("*already*");
        await FluentActions.Awaiting(() => fixture.Model.StepAsync(
            [new StepSlice(sequence, new[] { 1, 2 }, LogitsWanted.None, Encode: true)], new FailingBackend(fixture.Experts, 1), Ct)).Should().ThrowAsync<IOException>();
        sequence.SourceLength.Should().Be(0);
        (await fixture.LogitsAsync(encoded, [1])).Should().HaveCount(TinyEncoderDecoders.Vocabulary);
    }

    [Fact]
    public async Task Only_an_expert_s_own_bytes_are_read()
    {
        using var folder = new TempFolder();
        TinyEncoderDecoders.Create("{" + Switch + "}", 1).Write(folder.Path);
        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(folder.Path);
        await using var executor = new ExpertCluster.Tensors.DeviceExecutor("cpu", 1);
        await executor.RunAsync(() => checkpoint.LoadExpert(checkpoint.Shape.MoeLayers[^1], 2, CPU).Dispose(), Ct);
        checkpoint.Tensors.BytesRead.Should().Be(checkpoint.ExpertBytes);
    }

    private static int[] Ids(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(TinyEncoderDecoders.Vocabulary))];
    }

    private static int[][] Rows(SafetensorsFile golden, string name) =>
        [.. golden.ReadLongs(name).Select(id => (int)id).Chunk((int)golden[name].Shape[1])];
}
