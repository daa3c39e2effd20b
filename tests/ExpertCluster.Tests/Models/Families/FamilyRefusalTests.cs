using System.Text.Json.Nodes;
using ExpertCluster.Models;
using ExpertCluster.Tests.Tensors;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>No key that changes what is computed is ignored.</summary>
public sealed class FamilyRefusalTests : IDisposable
{
    private readonly TempFolder _folder = TestCheckpoints.Write();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("clip_qkv", "8.0")]
    [InlineData("norm_topk_prob", "false")]
    [InlineData("mlp_only_layers", "[1]")]
    [InlineData("decoder_sparse_step", "2")]
    [InlineData("first_k_dense_replace", "1")]
    [InlineData("routed_scaling_factor", "2.5")]
    [InlineData("n_group", "8")]
    [InlineData("n_shared_experts", "1")]
    [InlineData("scale_embedding", "true")]
    [InlineData("normalize_router_prob_before_dropping", "true")]
    [InlineData("swiglu_limit", "7.0")]
    [InlineData("layer_types", "[\"sliding_attention\"]")]
    [InlineData("quantization_config", "{\"quant_method\":\"gptq\"}")]
    [InlineData("quantization_config", "{\"quant_method\":\"mxfp4\"}")]
    public void A_key_that_a_family_does_not_honour_is_refused_by_name(string key, string value)
    {
        Set(key, value);
        Open().Should().Throw<ModelException>().WithMessage($"*config.json*{key}*");
    }

    [Theory]
    [InlineData("routed_scaling_factor", "1.0")]
    [InlineData("n_group", "1")]
    [InlineData("mlp_only_layers", "[ ]")]
    [InlineData("norm_topk_prob", "true")]
    [InlineData("clip_qkv", "null")]
    public void Its_usual_value_is_accepted(string key, string value)
    {
        Set(key, value);
        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(_folder.Path);
        checkpoint.Shape.Family.Should().Be("mixtral");
    }

    [Fact]
    public void Pickled_weights_are_refused_with_the_command_that_converts_them()
    {
        File.Move(_folder["model.safetensors"], _folder["pytorch_model.bin"]);
        Open().Should().Throw<ModelException>().WithMessage("*pytorch_model.bin*pickle*python3 -c*save_pretrained*");
    }

    private Action Open() => () => ModelCheckpoint.Open(_folder.Path).Dispose();

    private void Set(string key, string value)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
    }
}
