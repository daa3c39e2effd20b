using System.Text.Json.Nodes;
using ExpertCluster.Models;
using ExpertCluster.Tests.Tensors;

namespace ExpertCluster.Tests.Models.EncoderDecoder;

/// <summary>No key that changes what is computed is ignored.</summary>
public sealed class EncoderDecoderRefusalTests
{
    [Theory]
    [InlineData("switch-tiny", "feed_forward_proj", "\"gated-gelu\"")]
    [InlineData("switch-tiny", "feed_forward_proj", "\"silu\"")]
    [InlineData("switch-tiny", "dense_act_fn", "\"tanh\"")]
    [InlineData("switch-tiny", "is_gated_act", "true")]
    [InlineData("switch-tiny", "num_selected_experts", "2")]
    [InlineData("switch-tiny", "router_dtype", "\"bfloat16\"")]
    [InlineData("switch-tiny", "is_encoder_decoder", "false")]
    [InlineData("switch-tiny", "relative_attention_num_buckets", "7")]
    [InlineData("switch-tiny", "num_sparse_encoder_layers", "9")]
    [InlineData("switch-tiny", "decoder_start_token_id", "256")]
    [InlineData("switch-tiny", "num_experts", "0")]
    [InlineData("nllb-moe-tiny", "second_expert_policy", "\"sampling\"")]
    [InlineData("nllb-moe-tiny", "moe_eval_capacity_token_fraction", "0.25")]
    [InlineData("nllb-moe-tiny", "moe_eval_capacity_token_fraction", "-1.0")]
    [InlineData("nllb-moe-tiny", "moe_token_dropout", "1.5")]
    [InlineData("nllb-moe-tiny", "batch_prioritized_routing", "3")]
    [InlineData("nllb-moe-tiny", "activation_function", "\"mish\"")]
    [InlineData("nllb-moe-tiny", "encoder_attention_heads", "5")]
    [InlineData("nllb-moe-tiny", "num_experts", "1")]
    [InlineData("nllb-moe-tiny", "router_dtype", "\"float16\"")]
    public void A_value_that_is_not_honoured_is_refused_by_name(string golden, string key, string value)
    {
        using var folder = Copy(golden);
        Set(folder, key, value);
        FluentActions.Invoking(() => ModelCheckpoint.Open(folder.Path)).Should().Throw<ModelException>().WithMessage($"*config.json*{key}*");
    }

    [Theory]
    [InlineData("switch-tiny", "num_layers", "5", "encoder.block.4.")]
    [InlineData("switch-tiny", "router_bias", "true", "router.classifier.bias")]
    [InlineData("switch-tiny", "tie_word_embeddings", "false", "lm_head.weight")]
    [InlineData("switch-tiny", "encoder_sparse_step", "1", "encoder.block.0.layer.1.mlp.router")]
    [InlineData("nllb-moe-tiny", "decoder_ffn_dim", "100", "model.decoder.layers.0.ffn.fc1.weight")]
    [InlineData("nllb-moe-tiny", "num_experts", "9", "router.classifier.weight")]
    public void A_config_that_does_not_fit_the_tensors_names_the_tensor(string golden, string key, string value, string tensor)
    {
        using var folder = Copy(golden);
        Set(folder, key, value);
        FluentActions.Invoking(() => ModelCheckpoint.Open(folder.Path)).Should()
            .Throw<ExpertCluster.Tensors.Checkpoints.CheckpointException>().WithMessage($"*{tensor}*");
    }

    [Fact]
    public void Pickled_weights_are_refused_with_the_command_for_encoder_decoders()
    {
        using var folder = Copy("switch-tiny");
        File.Move(folder["model.safetensors"], folder["pytorch_model.bin"]);
        FluentActions.Invoking(() => ModelCheckpoint.Open(folder.Path)).Should().Throw<ModelException>().WithMessage("*AutoModelForSeq2SeqLM*");
    }

    private static TempFolder Copy(string golden)
    {
        var folder = new TempFolder();
        foreach (string file in (string[])["config.json", "model.safetensors"])
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, "Goldens", golden, file), folder[file]);
        }

        return folder;
    }

    private static void Set(TempFolder folder, string key, string value)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder["config.json"], config.ToJsonString());
    }
}
