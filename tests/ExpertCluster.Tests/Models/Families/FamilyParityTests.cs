using ExpertCluster.Models;
using ExpertCluster.Moe;
using ExpertCluster.Tests.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>Families and flags without a reference's answers, against float64 loops.</summary>
public sealed class FamilyParityTests
{
    private const string Olmoe = """
        "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 40,
        "num_experts": 6, "num_experts_per_tok": 3
        """;

    private const string Qwen = """ "moe_intermediate_size": 24, """ + Olmoe;

    private const string GptOss = """
        "model_type": "gpt_oss", "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
        "intermediate_size": 32, "num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 7,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        "rope_parameters": { "rope_type": "yarn", "rope_theta": 150000, "factor": 8, "beta_fast": 32, "beta_slow": 1, "truncate": false,
          "original_max_position_embeddings": 64 }
        """;

    private const string DeepSeek = """
        "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 40,
        "moe_intermediate_size": 24, "n_routed_experts": 8, "num_experts_per_tok": 3, "n_shared_experts": 2, "first_k_dense_replace": 1,
        "kv_lora_rank": 12, "qk_rope_head_dim": 8, "qk_nope_head_dim": 10, "v_head_dim": 14
        """;

    private const string DeepSeekYarn = """
        { "type": "yarn", "factor": 4, "beta_fast": 32, "beta_slow": 1, "mscale": 0.8, "mscale_all_dim": 1.3, "original_max_position_embeddings": 32 }
        """;

    private const string Glam = """
        "model_type": "glam", "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 40, "num_experts": 5
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool, int> Cases => new()
    {
        { """{ "model_type": "qwen2_moe", "shared_expert_intermediate_size": 20, "decoder_sparse_step": 2, "mlp_only_layers": [3], """ + Qwen + "}", false, 0 },
        { """{ "model_type": "qwen2_moe", "shared_expert_intermediate_size": 20, "norm_topk_prob": true, "qkv_bias": false, "use_sliding_window": true, "sliding_window": 6, "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"], """ + Qwen + "}", true, 0 },
        { """{ "model_type": "qwen3_moe", "norm_topk_prob": true, "attention_bias": true, "head_dim": 12, "mlp_only_layers": [0, 2], "rope_parameters": { "rope_type": "linear", "factor": 2.5, "partial_rotary_factor": 0.5 }, """ + Qwen + "}", true, 0 },
        { """{ "model_type": "qwen3_moe", "use_sliding_window": true, "sliding_window": 5, "max_window_layers": 0, "quantization_config": { "quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [16, 12], "activation_scheme": "dynamic" }, """ + Qwen + "}", false, 16 },
        { """{ "model_type": "olmoe", "clip_qkv": 0.7, "norm_topk_prob": true, "attention_bias": true, "rope_scaling": { "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 32 }, """ + Olmoe + "}", true, 0 },
        { "{" + GptOss + "}", false, 0 },
        { """{ "swiglu_limit": 1.5, "attention_bias": false, "quantization_config": { "quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"] }, """ + GptOss + "}", false, 0 },
        { """{ "model_type": "deepseek_v2", "topk_method": "greedy", "routed_scaling_factor": 1.7, """ + DeepSeek + "}", true, 0 },
        { """{ "model_type": "deepseek_v2", "topk_method": "group_limited_greedy", "n_group": 4, "topk_group": 2, "routed_scaling_factor": 16.0, "q_lora_rank": 18, "rope_scaling": """ + DeepSeekYarn + "," + DeepSeek + "}", false, 0 },
        { """{ "model_type": "deepseek_v3", "n_group": 4, "topk_group": 2, "q_lora_rank": 18, "attention_bias": true, "routed_scaling_factor": 2.5, "rope_scaling": """ + DeepSeekYarn + "," + DeepSeek + "}", false, 0 },
        { """{ "model_type": "deepseek_v3", "n_group": 2, "topk_group": 1, "norm_topk_prob": false, "rope_interleave": false, "routed_scaling_factor": 1.0, "quantization_config": { "quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [16, 12], "activation_scheme": "dynamic" }, """ + DeepSeek + "}", false, 16 },
        { """{ "num_hidden_layers": 4, """ + Glam + "}", false, 0 },
        { """{ "num_hidden_layers": 6, "moe_every": 3, "num_key_value_heads": 2, "head_dim": 5, "moe_intermediate_size": 24, "num_experts_per_tok": 3, "norm_topk_prob": false, "hidden_act": "gelu_new", "expert_act": "gelu", "relative_attention_num_buckets": 8, "relative_attention_max_distance": 20, "tie_word_embeddings": true, "rms_norm_eps": 1e-5, """ + Glam + "}", true, 0 },
        { """{ "num_hidden_layers": 3, "num_experts_per_tok": 1, "hidden_act": "silu", "expert_act": "gelu_pytorch_tanh", "quantization_config": { "quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [16, 12], "activation_scheme": "dynamic" }, """ + Glam + "}", false, 16 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_family_equals_float64_loops_in_one_go_and_through_the_cache(string config, bool fused, int float8)
    {
        TinyModel tiny = TinyModels.Create(config, seed: 7, fused, float8 == 0 ? null : (float8, 12));
        using var folder = new TempFolder();
        tiny.Write(folder.Path);
        int[] ids = Ids(50);
        float[] expected = new NaiveDecoder(tiny).Logits(ids);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);

        using DecoderSequence whole = fixture.Model.NewSequence();
        double error = ModelFixture.RelativeError(await fixture.LogitsAsync(whole, ids, LogitsWanted.All), expected);
        TestContext.Current.TestOutputHelper?.WriteLine($"{tiny.Config["model_type"]} {error:0.0e+00}");
        error.Should().BeLessThan(2e-5);

        using DecoderSequence chunked = fixture.Model.NewSequence();
        using DecoderSequence beside = fixture.Model.NewSequence();
        var actual = new List<float>();
        int at = 0;
        foreach (int count in (int[])[5, 1, 12, 3, .. Enumerable.Repeat(1, 29)])
        {
            StepResult result = await fixture.Model.StepAsync(
                [new StepSlice(beside, ids[..2], LogitsWanted.None), new StepSlice(chunked, ids[at..(at + count)], LogitsWanted.All)], fixture.Experts, Ct);
            actual.AddRange(result.Logits[1]);
            at += count;
        }

        ModelFixture.RelativeError([.. actual], expected).Should().BeLessThan(2e-5);
        fixture.Checkpoint.ExpertBytes.Should().Be(await fixture.Executor.RunAsync(
            () =>
            {
                using IExpertNetwork expert = fixture.Checkpoint.LoadExpert(fixture.Model.Shape.MoeLayers[^1], 1, CPU);
                return expert.Bytes;
            },
            Ct));
        fixture.Checkpoint.ExpertBytesAs(ScalarType.BFloat16).Should().Be(await fixture.Executor.RunAsync(
            () =>
            {
                using IExpertNetwork expert = fixture.Checkpoint.LoadExpert(fixture.Model.Shape.MoeLayers[^1], 1, CPU, ScalarType.BFloat16);
                expert.Type.Should().Be(ScalarType.BFloat16);
                return expert.Bytes;
            },
            Ct));
    }

    [Fact]
    public async Task A_fused_expert_reads_its_own_bytes_only()
    {
        using var folder = new TempFolder();
        TinyModels.Create("""{ "model_type": "qwen3_moe", """ + Qwen + "}", seed: 1, fused: true).Write(folder.Path);
        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(folder.Path);
        await using var executor = new ExpertCluster.Tensors.DeviceExecutor("cpu", 1);
        await executor.RunAsync(() => checkpoint.LoadExpert(2, 5, CPU).Dispose(), Ct);
        checkpoint.Tensors.BytesRead.Should().Be(checkpoint.ExpertBytes);
    }

    [Fact]
    public async Task Latent_attention_caches_latents_alone()
    {
        using var folder = new TempFolder();
        TinyModels.Create("""{ "model_type": "deepseek_v2", """ + DeepSeek + "}", seed: 1).Write(folder.Path);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        await fixture.LogitsAsync(sequence, Ids(9));
        sequence.Bytes.Should().Be(3L * 64 * (12 + 8) * sizeof(float));
    }

    private static int[] Ids(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(TinyModels.Vocabulary))];
    }
}
