using ExpertCluster.Models;
using ExpertCluster.Models.Families;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>Strictness must never lock a published checkpoint out: the keys that published config.json files carry, all of them.</summary>
public sealed class PublishedConfigTests
{
    private const string Qwen15 = """
        { "architectures": ["Qwen2MoeForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643, "hidden_act": "silu",
          "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 5632, "max_position_embeddings": 8192, "max_window_layers": 21,
          "model_type": "qwen2_moe", "num_attention_heads": 16, "num_hidden_layers": 24, "num_key_value_heads": 16, "rms_norm_eps": 1e-06,
          "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
          "transformers_version": "4.39.0.dev0", "use_cache": true, "use_sliding_window": false, "vocab_size": 151936, "decoder_sparse_step": 1,
          "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632, "num_experts_per_tok": 4, "num_experts": 60,
          "norm_topk_prob": false, "output_router_logits": false, "router_aux_loss_coef": 0.001 }
        """;

    private const string Qwen2 = """
        { "architectures": ["Qwen2MoeForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643, "hidden_act": "silu",
          "hidden_size": 3584, "initializer_range": 0.02, "intermediate_size": 18944, "max_position_embeddings": 131072, "max_window_layers": 28,
          "model_type": "qwen2_moe", "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06,
          "rope_theta": 1000000.0, "sliding_window": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
          "transformers_version": "4.40.1", "use_cache": true, "use_sliding_window": false, "vocab_size": 151936, "decoder_sparse_step": 1,
          "moe_intermediate_size": 2560, "shared_expert_intermediate_size": 20480, "num_experts_per_tok": 8, "num_experts": 64,
          "norm_topk_prob": false, "output_router_logits": false, "router_aux_loss_coef": 0.001, "mlp_only_layers": [] }
        """;

    private const string Qwen3Keys = """
          "architectures": ["Qwen3MoeForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151643,
          "decoder_sparse_step": 1, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02,
          "intermediate_size": 6144, "max_position_embeddings": 40960, "max_window_layers": 48, "mlp_only_layers": [], "model_type": "qwen3_moe",
          "moe_intermediate_size": 768, "norm_topk_prob": true, "num_attention_heads": 32, "num_experts": 128, "num_experts_per_tok": 8,
          "num_hidden_layers": 48, "num_key_value_heads": 4, "output_router_logits": false, "rms_norm_eps": 1e-06, "rope_scaling": null,
          "rope_theta": 1000000.0, "router_aux_loss_coef": 0.001, "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
          "transformers_version": "4.51.0", "use_cache": true, "use_sliding_window": false, "vocab_size": 151936
        """;

    private const string Qwen3 = "{" + Qwen3Keys + "}";

    private const string Qwen3Float8 = "{" + Qwen3Keys + """
        , "quantization_config": { "activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8", "weight_block_size": [128, 128],
          "modules_to_not_convert": ["lm_head", "model.layers.0.input_layernorm", "model.layers.0.mlp.gate", "model.layers.0.post_attention_layernorm"] } }
        """;

    private const string Qwen3Coder = """
        { "architectures": ["Qwen3MoeForCausalLM"], "attention_dropout": 0.0, "decoder_sparse_step": 1, "eos_token_id": 151645, "head_dim": 128,
          "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 5472, "max_position_embeddings": 262144,
          "max_window_layers": 28, "mlp_only_layers": [], "model_type": "qwen3_moe", "moe_intermediate_size": 768, "norm_topk_prob": true,
          "num_attention_heads": 32, "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 48, "num_key_value_heads": 4,
          "output_router_logits": false, "qkv_bias": false, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 10000000,
          "router_aux_loss_coef": 0.0, "shared_expert_intermediate_size": 0, "sliding_window": null, "tie_word_embeddings": false,
          "torch_dtype": "bfloat16", "transformers_version": "4.52.3", "use_cache": true, "use_qk_norm": true, "use_sliding_window": false,
          "vocab_size": 151936 }
        """;

    private const string Olmoe = """
        { "architectures": ["OlmoeForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "clip_qkv": null, "eos_token_id": 50279,
          "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 1024, "max_position_embeddings": 4096,
          "model_type": "olmoe", "norm_topk_prob": false, "num_attention_heads": 16, "num_experts": 64, "num_experts_per_tok": 8,
          "num_hidden_layers": 16, "num_key_value_heads": 16, "output_router_logits": false, "pad_token_id": 1, "rms_norm_eps": 1e-05,
          "rope_scaling": null, "rope_theta": 10000.0, "router_aux_loss_coef": 0.01, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
          "transformers_version": "4.43.0.dev0", "use_cache": true, "vocab_size": 50304 }
        """;

    private const string DeepSeekMap = """
        "auto_map": { "AutoConfig": "configuration_deepseek.DeepseekConfig", "AutoModel": "modeling_deepseek.DeepseekModel",
          "AutoModelForCausalLM": "modeling_deepseek.DeepseekForCausalLM" }
        """;

    private const string DeepSeekV2 = "{" + DeepSeekMap + """
        , "architectures": ["DeepseekV2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "aux_loss_alpha": 0.001,
          "bos_token_id": 100000, "eos_token_id": 100001, "ep_size": 1, "first_k_dense_replace": 1, "hidden_act": "silu", "hidden_size": 5120,
          "initializer_range": 0.02, "intermediate_size": 12288, "kv_lora_rank": 512, "max_position_embeddings": 163840,
          "model_type": "deepseek_v2", "moe_intermediate_size": 1536, "moe_layer_freq": 1, "n_group": 8, "n_routed_experts": 160,
          "n_shared_experts": 2, "norm_topk_prob": false, "num_attention_heads": 128, "num_experts_per_tok": 6, "num_hidden_layers": 60,
          "num_key_value_heads": 128, "pretraining_tp": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
          "rms_norm_eps": 1e-06, "rope_scaling": { "beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707,
          "original_max_position_embeddings": 4096, "type": "yarn" }, "rope_theta": 10000, "routed_scaling_factor": 16.0,
          "scoring_func": "softmax", "seq_aux": true, "tie_word_embeddings": false, "topk_group": 3, "topk_method": "group_limited_greedy",
          "torch_dtype": "bfloat16", "transformers_version": "4.39.3", "use_cache": true, "v_head_dim": 128, "vocab_size": 102400 }
        """;

    private const string DeepSeekV2Lite = "{" + DeepSeekMap + """
        , "architectures": ["DeepseekV2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "aux_loss_alpha": 0.001,
          "bos_token_id": 100000, "eos_token_id": 100001, "first_k_dense_replace": 1, "hidden_act": "silu", "hidden_size": 2048,
          "initializer_range": 0.02, "intermediate_size": 10944, "kv_lora_rank": 512, "max_position_embeddings": 163840,
          "model_type": "deepseek_v2", "moe_intermediate_size": 1408, "moe_layer_freq": 1, "n_group": 1, "n_routed_experts": 64,
          "n_shared_experts": 2, "norm_topk_prob": false, "num_attention_heads": 16, "num_experts_per_tok": 6, "num_hidden_layers": 27,
          "num_key_value_heads": 16, "pretraining_tp": 1, "q_lora_rank": null, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
          "rms_norm_eps": 1e-06, "rope_scaling": { "beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707,
          "original_max_position_embeddings": 4096, "type": "yarn" }, "rope_theta": 10000, "routed_scaling_factor": 1.0,
          "scoring_func": "softmax", "seq_aux": true, "tie_word_embeddings": false, "topk_group": 1, "topk_method": "greedy",
          "torch_dtype": "bfloat16", "transformers_version": "4.33.1", "use_cache": true, "v_head_dim": 128, "vocab_size": 102400 }
        """;

    private const string DeepSeekV3Sizes = """
        "architectures": ["DeepseekV3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 1,
          "first_k_dense_replace": 3, "hidden_act": "silu", "hidden_size": 7168, "initializer_range": 0.02, "intermediate_size": 18432,
          "kv_lora_rank": 512, "max_position_embeddings": 163840, "model_type": "deepseek_v3", "moe_intermediate_size": 2048, "n_group": 8,
          "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": true, "num_attention_heads": 128, "num_experts_per_tok": 8,
          "num_hidden_layers": 61, "num_key_value_heads": 128, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
          "rms_norm_eps": 1e-06, "routed_scaling_factor": 2.5, "tie_word_embeddings": false, "topk_group": 4, "use_cache": true,
          "v_head_dim": 128, "vocab_size": 129280
        """;

    private const string DeepSeekV3 = "{" + DeepSeekMap + "," + DeepSeekV3Sizes + """
        , "aux_loss_alpha": 0.001, "ep_size": 1, "moe_layer_freq": 1, "num_nextn_predict_layers": 1, "pretraining_tp": 1, "quantization_config":
          { "activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8", "weight_block_size": [128, 128] }, "rope_scaling":
          { "beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096,
          "type": "yarn" }, "rope_theta": 10000, "scoring_func": "sigmoid", "seq_aux": true, "topk_method": "noaux_tc",
          "torch_dtype": "bfloat16", "transformers_version": "4.33.1" }
        """;

    // As version 5 of transformers writes it: other spellings, and derived sizes.
    private const string DeepSeekV3Rewritten = "{" + DeepSeekV3Sizes + """
        , "head_dim": 64, "qk_head_dim": 192, "rope_interleave": true, "pretraining_tp": 1, "dtype": "bfloat16", "transformers_version": "5.0.0",
          "rope_parameters": { "beta_fast": 32.0, "beta_slow": 1.0, "factor": 40.0, "mscale": 1.0, "mscale_all_dim": 1.0,
          "original_max_position_embeddings": 4096, "rope_theta": 10000, "rope_type": "yarn" } }
        """;

    private const string Mixtral7 = """
        { "architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu",
          "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mixtral",
          "num_attention_heads": 32, "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8,
          "output_router_logits": false, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02, "sliding_window": null,
          "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.36.0.dev0", "use_cache": true, "vocab_size": 32000 }
        """;

    private const string Mixtral22 = """
        { "architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu",
          "hidden_size": 6144, "initializer_range": 0.02, "intermediate_size": 16384, "max_position_embeddings": 65536, "model_type": "mixtral",
          "num_attention_heads": 48, "num_experts_per_tok": 2, "num_hidden_layers": 56, "num_key_value_heads": 8, "num_local_experts": 8,
          "output_router_logits": false, "rms_norm_eps": 1e-05, "rope_theta": 1000000, "router_aux_loss_coef": 0.001,
          "router_jitter_noise": 0.0, "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
          "transformers_version": "4.40.0.dev0", "use_cache": true, "vocab_size": 32768 }
        """;

    private const string SwitchBase8 = """
        { "add_router_probs": false, "architectures": ["SwitchTransformersForConditionalGeneration"], "batch_prioritized_routing": false,
          "capacity_factor": null, "d_ff": 3072, "d_kv": 64, "d_model": 768, "decoder_sparse_step": 2, "decoder_start_token_id": 0,
          "dense_act_fn": "relu", "dropout_rate": 0.1, "encoder_sparse_step": 2, "eos_token_id": 1, "expert_capacity": 64,
          "feed_forward_proj": "relu", "initializer_factor": 1.0, "is_encoder_decoder": true, "is_gated_act": false, "layer_norm_epsilon": 1e-06,
          "model_type": "switch_transformers", "n_positions": 512, "num_decoder_layers": 12, "num_experts": 8, "num_heads": 12, "num_layers": 12,
          "num_selected_experts": 1, "num_sparse_decoder_layers": 6, "num_sparse_encoder_layers": 6, "output_past": true, "pad_token_id": 0,
          "relative_attention_max_distance": 128, "relative_attention_num_buckets": 32, "router_aux_loss_coef": 0.001, "router_bias": false,
          "router_dtype": "float32", "router_ignore_padding_tokens": false, "router_jitter_noise": 0.01, "router_type": "tokens_masked",
          "router_z_loss_coef": 0.001, "task_specific_params": { "summarization": { "max_length": 200, "num_beams": 4 } },
          "torch_dtype": "float32", "transformers_version": "4.25.0.dev0", "use_cache": true, "vocab_size": 32128 }
        """;

    private const string NllbMoe = """
        { "activation_dropout": 0.0, "activation_function": "relu", "architectures": ["NllbMoeForConditionalGeneration"], "attention_dropout": 0.1,
          "batch_prioritized_routing": false, "bos_token_id": 0, "d_model": 2048, "decoder_attention_heads": 16, "decoder_ffn_dim": 8192,
          "decoder_layerdrop": 0, "decoder_layers": 24, "decoder_sparse_step": 4, "decoder_start_token_id": 2, "dropout": 0.1,
          "encoder_attention_heads": 16, "encoder_ffn_dim": 8192, "encoder_layerdrop": 0, "encoder_layers": 24, "encoder_sparse_step": 4,
          "eos_token_id": 2, "expert_capacity": 64, "init_std": 0.02, "is_encoder_decoder": true, "max_length": 200,
          "max_position_embeddings": 1024, "model_type": "nllb-moe", "moe_eval_capacity_token_fraction": 1.0, "moe_token_dropout": 0.2,
          "normalize_router_prob_before_dropping": true, "num_experts": 128, "num_hidden_layers": 24, "output_router_logits": false,
          "pad_token_id": 1, "router_aux_loss_coef": 0.001, "router_bias": false, "router_dtype": "float32",
          "router_ignore_padding_tokens": false, "router_z_loss_coef": 0.001, "scale_embedding": true, "second_expert_policy": "all",
          "tokenizer_class": "NllbTokenizer", "torch_dtype": "float32", "transformers_version": "4.28.0.dev0", "use_cache": true,
          "vocab_size": 256206 }
        """;

    public static TheoryData<string, string, int, int> Published => new()
    {
        { "Qwen1.5-MoE-A2.7B", Qwen15, 60, 24 },
        { "Qwen2-57B-A14B", Qwen2, 64, 28 },
        { "Qwen3-30B-A3B", Qwen3, 128, 48 },
        { "Qwen3-30B-A3B-FP8", Qwen3Float8, 128, 48 },
        { "Qwen3-Coder-30B-A3B", Qwen3Coder, 128, 48 },
        { "OLMoE-1B-7B", Olmoe, 64, 16 },
        { "DeepSeek-V2", DeepSeekV2, 160, 59 },
        { "DeepSeek-V2-Lite", DeepSeekV2Lite, 64, 26 },
        { "DeepSeek-V3 and R1", DeepSeekV3, 256, 58 },
        { "DeepSeek-V3, rewritten", DeepSeekV3Rewritten, 256, 58 },
        { "gpt-oss-20b", GptOss(), 32, 24 },
        { "Mixtral-8x7B", Mixtral7, 8, 32 },
        { "Mixtral-8x22B", Mixtral22, 8, 56 },
        { "switch-base-8", SwitchBase8, 8, 12 },
        { "nllb-moe-54b", NllbMoe, 128, 12 },
    };

    [Theory]
    [MemberData(nameof(Published))]
    public void A_published_config_is_accepted(string name, string config, int experts, int sparse)
    {
        ModelDefinition definition = FamilyConfigs.Define(config);
        definition.Shape.ExpertsPerLayer.Should().Be(experts, name);
        definition.Shape.MoeLayers.Should().HaveCount(sparse, name);
    }

    [Fact]
    public void Windows_are_those_of_the_published_models()
    {
        DecoderSpec oss = FamilyConfigs.Define(GptOss()).Decoder!;
        oss.Window(0).Should().Be(128);
        oss.Window(1).Should().BeNull();
        FamilyConfigs.Define(Qwen15).Decoder!.Window(0).Should().BeNull("use_sliding_window is false");
    }

    private static string GptOss() => $$"""
        { "architectures": ["GptOssForCausalLM"], "attention_bias": true, "attention_dropout": 0.0, "eos_token_id": 200002, "experts_per_token": 4,
          "head_dim": 64, "hidden_act": "silu", "hidden_size": 2880, "initial_context_length": 4096, "initializer_range": 0.02,
          "intermediate_size": 2880, "layer_types": [{{string.Join(", ", Enumerable.Range(0, 24).Select(i => i % 2 == 0 ? "\"sliding_attention\"" : "\"full_attention\""))}}],
          "max_position_embeddings": 131072, "model_type": "gpt_oss", "num_attention_heads": 64, "num_experts_per_tok": 4, "num_hidden_layers": 24,
          "num_key_value_heads": 8, "num_local_experts": 32, "output_router_logits": false, "pad_token_id": 199999, "quantization_config":
          { "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
          "quant_method": "mxfp4" }, "rms_norm_eps": 1e-05, "rope_scaling": { "beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0,
          "original_max_position_embeddings": 4096, "rope_type": "yarn", "truncate": false }, "rope_theta": 150000, "router_aux_loss_coef": 0.9,
          "sliding_window": 128, "swiglu_limit": 7.0, "tie_word_embeddings": false, "transformers_version": "4.55.0.dev0", "use_cache": true,
          "vocab_size": 201088 }
        """;
}
