using ExpertCluster.Models;
using ExpertCluster.Models.Families;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>Every key that changes what some family computes is honoured or refused by each of the ten.</summary>
public sealed class MeaningfulKeyTests
{
    private const string All = "mixtral olmoe qwen2_moe qwen3_moe gpt_oss deepseek_v2 deepseek_v3 switch_transformers nllb-moe glam";

    /// <summary>A key, a value that means something, and the families that honour it.</summary>
    private static readonly (string Key, string Value, string Honoured)[] Keys =
    [
        ("clip_qkv", "8.0", "olmoe"),
        ("mlp_only_layers", "[1]", "qwen2_moe qwen3_moe"),
        ("decoder_sparse_step", "2", "qwen2_moe qwen3_moe switch_transformers nllb-moe"),
        ("encoder_sparse_step", "2", "switch_transformers nllb-moe"),
        ("first_k_dense_replace", "1", "deepseek_v2 deepseek_v3"),
        ("moe_layer_freq", "2", ""),
        ("moe_layer_interval", "2", ""),
        ("interleave_moe_layer_step", "2", ""),
        ("moe_every", "4", "glam"),
        ("routed_scaling_factor", "1.5", "deepseek_v2 deepseek_v3"),
        ("n_group", "4", "deepseek_v3"),
        ("topk_group", "5", ""),
        ("n_shared_experts", "1", "deepseek_v2 deepseek_v3"),
        ("num_shared_experts", "1", ""),
        ("shared_expert_intermediate_size", "16", "qwen2_moe"),
        ("scoring_func", "\"sigmoid\"", "deepseek_v3"),
        ("scoring_func", "\"sqrtsoftplus\"", ""),
        ("topk_method", "\"other\"", ""),
        ("scale_embedding", "true", "nllb-moe"),
        ("normalize_router_prob_before_dropping", "true", "nllb-moe"),
        ("batch_prioritized_routing", "true", "nllb-moe"),
        ("second_expert_policy", "\"sampling\"", ""),
        ("moe_eval_capacity_token_fraction", "0.5", ""),
        ("moe_token_dropout", "0.2", "nllb-moe"),
        ("capacity_factor", "1.25", ""),
        ("router_dtype", "\"bfloat16\"", ""),
        ("router_bias", "true", "gpt_oss switch_transformers nllb-moe"),
        ("num_experts_per_tok", "9", ""),
        ("swiglu_limit", "5.0", "gpt_oss"),
        ("swiglu_alpha", "1.5", ""),
        ("hidden_act", "\"relu\"", "glam"),
        ("expert_act", "\"silu\"", "glam"),
        ("qkv_bias", "true", "qwen2_moe nllb-moe"),
        ("attention_bias", "true", "olmoe qwen3_moe gpt_oss deepseek_v2 deepseek_v3 nllb-moe"),
        ("mlp_bias", "true", "nllb-moe"),
        ("use_qk_norm", "true", "qwen3_moe"),
        ("qk_layernorm", "true", ""),
        ("use_sliding_window", "true", "gpt_oss"),
        ("sliding_window", "0", "qwen2_moe qwen3_moe"),
        ("layer_types", "[\"sliding_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]", "gpt_oss"),
        ("layer_types", "[\"full_attention\"]", ""),
        ("layer_types", "[\"full_attention\",\"full_attention\",\"full_attention\",\"chunked_attention\"]", ""),
        ("attention_chunk_size", "8", ""),
        ("attention_multiplier", "0.5", ""),
        ("attn_logit_softcapping", "50.0", ""),
        ("final_logit_softcapping", "30.0", ""),
        ("logit_scale", "0.5", ""),
        ("logits_scaling", "2.0", ""),
        ("no_rope_layers", "[1,1,1,0]", ""),
        ("no_rope_layer_interval", "4", ""),
        ("alibi", "true", ""),
        ("parallel_attn", "true", ""),
        ("tie_encoder_decoder", "true", ""),
        ("add_cross_attention", "true", ""),
        ("q_lora_rank", "8", "deepseek_v2 deepseek_v3"),
        ("relative_attention_num_buckets", "16", "switch_transformers glam"),
        ("head_dim", "10", "mixtral olmoe qwen2_moe qwen3_moe gpt_oss glam"),
        ("num_key_value_heads", "1", "mixtral olmoe qwen2_moe qwen3_moe gpt_oss glam"),
        ("moe_intermediate_size", "40", "qwen2_moe qwen3_moe deepseek_v2 deepseek_v3 glam"),
        ("num_selected_experts", "3", ""),
        ("num_local_experts", "4", "mixtral gpt_oss"),
        ("n_routed_experts", "4", "deepseek_v2 deepseek_v3"),
    ];

    public static TheoryData<string, string, string> Refused =>
    [
        .. from key in Keys
           from family in All.Split(' ').Except(key.Honoured.Split(' '))
           select new TheoryDataRow<string, string, string>(family, key.Key, key.Value),
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_key_that_a_family_does_not_honour_is_refused_by_name(string family, string key, string value) =>
        Define(family, $"\"{key}\": {value}").Should().Throw<ModelException>().WithMessage($"*config.json*{key}*");

    [Fact]
    public void The_families_are_all_of_them()
    {
        FamilyConfigs.Names.Should().BeEquivalentTo(All.Split(' ')).And.BeEquivalentTo(ModelFamilies.All.Select(f => f.ModelType));
        foreach (string family in FamilyConfigs.Names)
        {
            FamilyConfigs.Define(FamilyConfigs.With(family)).Shape.Family.Should().Be(family);
        }
    }

    [Theory]
    [InlineData("switch_transformers", """ "num_experts_per_tok": 2 """, "num_experts_per_tok")]
    [InlineData("switch_transformers", """ "norm_topk_prob": true """, "norm_topk_prob")]
    [InlineData("nllb-moe", """ "norm_topk_prob": false """, "norm_topk_prob")]
    [InlineData("nllb-moe", """ "attention_bias": false """, "attention_bias")]
    [InlineData("mixtral", """ "norm_topk_prob": false """, "norm_topk_prob")]
    [InlineData("gpt_oss", """ "norm_topk_prob": false """, "norm_topk_prob")]
    [InlineData("gpt_oss", """ "router_bias": false """, "router_bias")]
    [InlineData("gpt_oss", """ "experts_per_token": 4 """, "experts_per_token")]
    [InlineData("gpt_oss", """ "use_sliding_window": false, "layer_types": ["full_attention","sliding_attention","full_attention","full_attention"] """, "layer_types")]
    [InlineData("qwen3_moe", """ "use_qk_norm": false """, "use_qk_norm")]
    [InlineData("olmoe", """ "use_qk_norm": false """, "use_qk_norm")]
    [InlineData("olmoe", """ "num_local_experts": 16 """, "num_local_experts")]
    [InlineData("mixtral", """ "num_experts": 16 """, "num_experts")]
    [InlineData("qwen2_moe", """ "num_local_experts": 16 """, "num_local_experts")]
    [InlineData("qwen3_moe", """ "num_local_experts": 16 """, "num_local_experts")]
    [InlineData("deepseek_v3", """ "head_dim": 24 """, "head_dim")]
    [InlineData("deepseek_v3", """ "qk_head_dim": 32 """, "qk_head_dim")]
    [InlineData("deepseek_v2", """ "topk_method": "greedy", "n_group": 4 """, "n_group")]
    [InlineData("deepseek_v2", """ "topk_method": "greedy", "topk_group": 2 """, "topk_group")]
    [InlineData("deepseek_v2", """ "n_group": 4, "topk_group": 2 """, "n_group")]
    [InlineData("mixtral", """ "use_sliding_window": true """, "sliding_window")]
    [InlineData("mixtral", """ "sliding_window": 4, "layer_types": ["full_attention","full_attention","full_attention","full_attention"] """, "layer_types")]
    [InlineData("qwen3_moe", """ "use_sliding_window": true, "max_window_layers": 0, "sliding_window": 4, "layer_types": ["full_attention","full_attention","full_attention","full_attention"] """, "layer_types")]
    public void What_contradicts_a_family_or_another_key_is_refused_by_name(string family, string keys, string named) =>
        Define(family, keys).Should().Throw<ModelException>().WithMessage($"*config.json*{named}*");

    [Theory]
    [InlineData("switch_transformers", """ "head_dim": 8, "num_key_value_heads": 4, "num_experts_per_tok": 1, "num_selected_experts": 1, "norm_topk_prob": false, "hidden_size": 32 """)]
    [InlineData("switch_transformers", """ "scale_embedding": false, "normalize_router_prob_before_dropping": false, "clip_qkv": null, "mlp_only_layers": [], "n_group": 1 """)]
    [InlineData("nllb-moe", """ "head_dim": 8, "num_key_value_heads": 4, "num_experts_per_tok": 2, "norm_topk_prob": true, "attention_bias": true """)]
    [InlineData("nllb-moe", """ "scale_embedding": false, "normalize_router_prob_before_dropping": true, "batch_prioritized_routing": true """)]
    [InlineData("mixtral", """ "num_experts": 8, "moe_intermediate_size": 48, "use_qk_norm": false, "experts_per_token": 2, "logit_scale": 1.0 """)]
    [InlineData("olmoe", """ "num_local_experts": 8, "moe_intermediate_size": 48 """)]
    [InlineData("qwen3_moe", """ "use_qk_norm": true, "num_local_experts": 8, "shared_expert_intermediate_size": 0, "qkv_bias": false """)]
    [InlineData("gpt_oss", """ "num_experts": 8, "experts_per_token": 2, "router_bias": true, "swiglu_alpha": 1.702 """)]
    [InlineData("deepseek_v2", """ "topk_method": "greedy", "n_group": 1, "topk_group": 1, "head_dim": 8 """)]
    [InlineData("deepseek_v3", """ "head_dim": 8, "qk_head_dim": 24, "n_group": 4, "topk_group": 2, "num_key_value_heads": 4 """)]
    public void What_says_the_same_as_the_family_does_is_accepted(string family, string keys) =>
        FamilyConfigs.Define(FamilyConfigs.With(family, keys)).Shape.Family.Should().Be(family);

    [Theory]
    [InlineData("mixtral", """ "sliding_window": 4, """)]
    [InlineData("qwen2_moe", """ "sliding_window": 4, """)]
    [InlineData("qwen3_moe", """ "sliding_window": 4, """)]
    [InlineData("gpt_oss", "")]
    public void A_window_that_is_switched_off_is_none(string family, string window)
    {
        DecoderSpec spec = FamilyConfigs.Define(FamilyConfigs.With(family, window + """ "use_sliding_window": false """)).Decoder!;
        Enumerable.Range(0, 4).Should().OnlyContain(layer => spec.Window(layer) == null);
    }

    [Theory]
    [InlineData("mixtral", """ "sliding_window": 4, "use_sliding_window": true """)]
    [InlineData("mixtral", """ "sliding_window": 4 """)]
    [InlineData("qwen3_moe", """ "sliding_window": 4, "use_sliding_window": true, "max_window_layers": 0 """)]
    public void A_window_that_is_on_covers_every_layer(string family, string keys)
    {
        DecoderSpec spec = FamilyConfigs.Define(FamilyConfigs.With(family, keys)).Decoder!;
        Enumerable.Range(0, 4).Should().OnlyContain(layer => spec.Window(layer) == 4);
    }

    private static Func<ModelDefinition> Define(string family, string keys) => () => FamilyConfigs.Define(FamilyConfigs.With(family, keys));
}
