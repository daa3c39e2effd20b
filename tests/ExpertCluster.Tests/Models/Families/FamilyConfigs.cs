using System.Text.Json.Nodes;
using ExpertCluster.Models;
using ExpertCluster.Models.Families;
using ExpertCluster.Tests.Tensors;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>A small config.json of each family, with nothing in it but what must be there.</summary>
internal static class FamilyConfigs
{
    private const string Decoder = """
        "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 48,
        "max_position_embeddings": 64, "num_experts_per_tok": 2
        """;

    private const string DeepSeek = """
        "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 48, "max_position_embeddings": 64,
        "num_experts_per_tok": 2, "n_routed_experts": 8, "intermediate_size": 48, "moe_intermediate_size": 24, "kv_lora_rank": 12,
        "qk_rope_head_dim": 8, "qk_nope_head_dim": 16, "v_head_dim": 14, "first_k_dense_replace": 1
        """;

    private static readonly Dictionary<string, string> Texts = new()
    {
        ["mixtral"] = """ "num_local_experts": 8, "intermediate_size": 48, """ + Decoder,
        ["olmoe"] = """ "num_experts": 8, "intermediate_size": 48, """ + Decoder,
        ["qwen2_moe"] = """ "num_experts": 8, "intermediate_size": 48, "moe_intermediate_size": 24, "shared_expert_intermediate_size": 20, """ + Decoder,
        ["qwen3_moe"] = """ "num_experts": 8, "intermediate_size": 48, "moe_intermediate_size": 24, """ + Decoder,
        ["gpt_oss"] = """ "num_local_experts": 8, "intermediate_size": 32, "sliding_window": 16, """ + Decoder,
        ["deepseek_v2"] = DeepSeek,
        ["deepseek_v3"] = DeepSeek,
        ["switch_transformers"] = """
            "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 4, "num_heads": 4, "num_experts": 8, "vocab_size": 48, "is_encoder_decoder": true
            """,
        ["nllb-moe"] = """
            "d_model": 32, "encoder_layers": 4, "decoder_layers": 4, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
            "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "num_experts": 8, "vocab_size": 48, "is_encoder_decoder": true
            """,
        ["glam"] = """ "num_experts": 8, "intermediate_size": 48, """ + Decoder,
    };

    public static IEnumerable<string> Names => Texts.Keys;

    /// <summary>The config of a family with further keys as JSON text.</summary>
    public static string With(string family, string keys = "")
    {
        JsonObject config = JsonNode.Parse($$"""{ "model_type": "{{family}}", {{Texts[family]}} }""")!.AsObject();
        foreach ((string key, JsonNode? value) in JsonNode.Parse("{" + keys + "}")!.AsObject())
        {
            config[key] = value?.DeepClone();
        }

        return config.ToJsonString();
    }

    /// <summary>Reads a config.json as opening a checkpoint would, without weights.</summary>
    public static ModelDefinition Define(string json)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["config.json"], json);
        ConfigFile config = ConfigFile.Read(folder["config.json"]);
        return ModelFamilies.Of(config).Define(config, null);
    }
}
