using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>What DeepSeek-V2 and -V3 have in common: latent attention, dense first layers, shared experts, groups.</summary>
internal static class DeepSeekConfig
{
    private static readonly string[] Honoured =
    [
        "attention_bias", "first_k_dense_replace", "n_shared_experts", "norm_topk_prob", "routed_scaling_factor", "scoring_func",
        "topk_method", "n_group", "topk_group", "rope_interleave", "q_lora_rank", "kv_lora_rank", "moe_intermediate_size", "num_selected_experts",
    ];

    /// <summary>Composes a definition.</summary>
    /// <param name="family">The <c>model_type</c>.</param>
    /// <param name="config">config.json.</param>
    /// <param name="generation">generation_config.json.</param>
    /// <param name="route">Completes a rule that has experts and choices per token.</param>
    /// <param name="correction">Name of the correction within the gate, if any.</param>
    /// <param name="firstDense">first_k_dense_replace when absent.</param>
    public static DecoderDefinition Define(
        string family, ConfigFile config, ConfigFile? generation, Func<RouterRule, RouterRule> route, string? correction, int firstDense)
    {
        var read = new DecoderConfig(config, generation, Honoured);
        if (read.KvHeads != read.Heads)
        {
            throw config.Error("num_key_value_heads", $"is {read.KvHeads}; latent attention has as many as query heads, {read.Heads}.");
        }

        int rotary = read.Size("qk_rope_head_dim");
        if (rotary % 2 != 0)
        {
            throw config.Error("qk_rope_head_dim", $"is {rotary}; rotary embedding needs an even one.");
        }

        // The reference writes the width that is rotated as head_dim.
        MeaningfulKeys.Agree(config, "head_dim", rotary, "qk_rope_head_dim");
        DecoderSpec rotated = read.Spec(rotary, 1e4, 1e-6);
        if (rotated.Rope!.Width != rotary)
        {
            throw config.Error("partial_rotary_factor", "is not supported beside qk_rope_head_dim.");
        }

        int headDim = rotary + read.Size("qk_nope_head_dim");
        MeaningfulKeys.Agree(config, "qk_head_dim", headDim, "qk_nope_head_dim + qk_rope_head_dim");
        DecoderSpec spec = rotated with
        {
            HeadDim = headDim,
            LatentWidth = read.Size("kv_lora_rank") + rotary,
            AttentionScale = RopeConfig.ScoreFactor(config) / Math.Sqrt(headDim),
        };
        int experts = read.Experts("n_routed_experts", "num_local_experts");
        RouterRule rule = route(new RouterRule { Experts = experts, TopK = read.TopK(experts, null, "num_experts_per_tok"), Normalise = false });
        Check(config, rule);
        int width = read.Size("moe_intermediate_size");
        int dense = config.OptionalInt("first_k_dense_replace", 0, read.Layers) ?? Math.Min(firstDense, read.Layers);
        int shared = config.OptionalInt("n_shared_experts", 0, 1024) ?? 0;
        return new DecoderDefinition(read.Shape(family, [.. read.AllLayers().Skip(dense)], rule, width), spec)
        {
            Format = WeightFormat.Read(config),
            Attention = new LatentAttentionBlock(read.Hidden, spec, read.Size("v_head_dim"))
            {
                QueryRank = config.OptionalInt("q_lora_rank", 1, 1 << 24),
                Bias = config.Flag("attention_bias", false),
                Interleaved = config.Flag("rope_interleave", true),
            },
            Moe = new MoeBlock
            {
                Rule = rule,
                Correction = correction,
                Experts = new SwiGluExperts(new SwiGluBlock(read.Hidden, width)),
                Shared = shared == 0 ? null : new SwiGluBlock(read.Hidden, (long)shared * width),
            },
            Dense = dense == 0 ? null : new SwiGluBlock(read.Hidden, read.Size("intermediate_size")),
        };
    }

    /// <summary>Reads n_group and topk_group into a rule.</summary>
    public static RouterRule Groups(ConfigFile config, RouterRule rule)
    {
        int groups = config.OptionalInt("n_group", 1, rule.Experts) ?? 1;
        return rule with { Groups = groups, TopGroups = config.OptionalInt("topk_group", 1, groups) ?? groups };
    }

    private static void Check(ConfigFile config, RouterRule rule)
    {
        if (rule.Experts % rule.Groups != 0)
        {
            throw config.Error("n_group", $"is {rule.Groups}, which does not divide {rule.Experts} experts.");
        }

        if (rule.Experts / rule.Groups * rule.TopGroups < rule.TopK)
        {
            throw config.Error("topk_group", $"is {rule.TopGroups}: that many groups have fewer experts than num_experts_per_tok {rule.TopK}.");
        }
    }
}
