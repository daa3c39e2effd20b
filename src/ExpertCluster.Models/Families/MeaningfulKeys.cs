namespace ExpertCluster.Models.Families;

/// <summary>
/// Keys of config.json that change what some family computes, and the values that change nothing in a family that doesn't have what they
/// ask for. A family names the keys it honours and reads them itself; every other must be absent or harmless.
/// </summary>
internal static class MeaningfulKeys
{
    private static readonly string[] Absent = [];

    private static readonly string[] False = ["false"];

    private static readonly string[] Zero = ["0"];

    private static readonly string[] One = ["1"];

    private static readonly string[] NoList = ["[]"];

    private static readonly Row[] Rows =
    [
        // Shape of the model.
        new("is_encoder_decoder", False, ["true"]),
        new("is_decoder", ["true", "false"], False),
        new("add_cross_attention", False),
        new("tie_encoder_decoder", False),
        new("parallel_attn", False),
        new("use_parallel_residual", False),

        // Which layers have experts.
        new("mlp_only_layers", NoList),
        new("decoder_sparse_step", One),
        new("encoder_sparse_step", Absent),
        new("moe_layer_freq", One, Absent),
        new("moe_layer_interval", One, Absent),
        new("interleave_moe_layer_step", One, Absent),
        new("moe_every", One, Absent),
        new("first_k_dense_replace", Zero),

        // Experts.
        new("hidden_act", ["\"silu\""], Absent),
        new("expert_act", Absent),
        new("is_gated_act", ["true"], False),
        new("mlp_bias", False),
        new("moe_intermediate_size", Absent),
        new("swiglu_limit", Absent),
        new("swiglu_alpha", Absent),
        new("n_shared_experts", Zero),
        new("num_shared_experts", Zero),
        new("shared_expert_intermediate_size", Zero),

        // The router.
        new("router_bias", False),
        new("router_dtype", ["\"float32\""]),
        new("num_selected_experts", Absent),
        new("norm_topk_prob", Absent),
        new("routed_scaling_factor", One),
        new("scoring_func", ["\"softmax\""]),
        new("topk_method", ["\"greedy\""]),
        new("n_group", One),
        new("topk_group", One),
        new("second_expert_policy", Absent),
        new("batch_prioritized_routing", False),
        new("normalize_router_prob_before_dropping", False),
        new("moe_eval_capacity_token_fraction", Absent),
        new("moe_token_dropout", Zero),
        new("capacity_factor", Absent),

        // Attention.
        new("attention_bias", False),
        new("qkv_bias", False),
        new("clip_qkv", Absent),
        new("qk_layernorm", False),
        new("use_qk_norm", False),
        new("q_lora_rank", Absent),
        new("kv_lora_rank", Absent),
        new("sliding_window", Absent),
        new("use_sliding_window", False),
        new("layer_types", Absent),
        new("attention_chunk_size", Absent),
        new("attention_multiplier", Absent),
        new("attn_logit_softcapping", Absent),

        // Positions.
        new("rope_interleave", False, Absent),
        new("no_rope_layers", Absent),
        new("no_rope_layer_interval", Absent),
        new("alibi", False),
        new("relative_attention_num_buckets", Absent),
        new("relative_attention_max_distance", Absent),

        // Embedding and head.
        new("scale_embedding", False),
        new("scale_decoder_outputs", False),
        new("embedding_multiplier", One),
        new("residual_multiplier", One),
        new("logits_scaling", One),
        new("logit_scale", One),
        new("final_logit_softcapping", Absent),
    ];

    // Stacks without rotary embedding have no use for any of these.
    private static readonly string[] Rotary = ["rope_parameters", "rope_scaling", "rope_theta", "partial_rotary_factor"];

    /// <summary>Refuses what a decoder-only family would ignore.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="honoured">Keys that the family reads itself.</param>
    /// <exception cref="ModelException">A key has a value that is not harmless.</exception>
    public static void CheckDecoder(ConfigFile config, params ReadOnlySpan<string> honoured)
    {
        foreach (Row row in Rows)
        {
            Check(config, row.Key, row.Decoder, honoured);
        }
    }

    /// <summary>Refuses what an encoder–decoder family would ignore.</summary>
    /// <inheritdoc cref="CheckDecoder"/>
    public static void CheckEncoderDecoder(ConfigFile config, params ReadOnlySpan<string> honoured)
    {
        foreach (Row row in Rows)
        {
            Check(config, row.Key, row.EncoderDecoder, honoured);
        }

        foreach (string key in Rotary)
        {
            Check(config, key, Absent, honoured);
        }
    }

    /// <summary>Refuses a second key for the same size that does not say the same.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="key">The second key.</param>
    /// <param name="value">What the first says.</param>
    /// <param name="means">What the value is, in words.</param>
    /// <exception cref="ModelException">It is there with another value.</exception>
    public static void Agree(ConfigFile config, string key, int value, string means)
    {
        if (config.OptionalInt(key, 0, int.MaxValue) is { } other && other != value)
        {
            throw config.Error(key, $"is {other}, which contradicts {means}, {value}; remove it or make it the same.");
        }
    }

    private static void Check(ConfigFile config, string key, string[] harmless, ReadOnlySpan<string> honoured)
    {
        if (!honoured.Contains(key))
        {
            config.OnlyOneOf(key, harmless);
        }
    }

    private sealed record Row(string Key, string[] Decoder, string[] EncoderDecoder)
    {
        public Row(string key, string[] harmless)
            : this(key, harmless, harmless)
        {
        }
    }
}
