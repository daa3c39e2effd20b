using System.Text.Json.Nodes;
using ExpertCluster.Models;
using ExpertCluster.Tensors.Checkpoints;
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

    [Theory]
    [InlineData("golden.safetensors")]
    [InlineData("adapter_model.safetensors")]
    [InlineData("model-00001-of-00002.safetensors")]
    public void Pickled_weights_are_refused_beside_safetensors_that_are_not_the_models(string other)
    {
        File.Move(_folder["model.safetensors"], _folder["pytorch_model.bin"]);
        File.Copy(_folder["pytorch_model.bin"], _folder[other]);
        Open().Should().Throw<ModelException>().WithMessage("*pytorch_model.bin*pickle*save_pretrained*");
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model.safetensors.index.json")]
    public void Pickled_weights_beside_the_models_own_safetensors_are_left_alone(string own)
    {
        File.Copy(_folder["model.safetensors"], _folder["pytorch_model.bin"]);
        if (own != "model.safetensors")
        {
            File.Move(_folder["model.safetensors"], _folder["one.safetensors"]);
            File.WriteAllText(_folder[own], """{"weight_map":{"lost":"two.safetensors"}}""");
            Open().Should().Throw<CheckpointException>().WithMessage("*two.safetensors*download it too*");
            return;
        }

        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(_folder.Path);
        checkpoint.Shape.Family.Should().Be("mixtral");
    }

    [Fact]
    public void The_command_that_converts_pickled_weights_holds_for_any_folder()
    {
        string folder = _folder["my models' folder"];
        Directory.CreateDirectory(folder);
        File.Move(_folder["config.json"], Path.Combine(folder, "config.json"));
        File.Move(_folder["model.safetensors"], Path.Combine(folder, "pytorch_model.bin"));
        FluentActions.Invoking(() => ModelCheckpoint.Open(folder)).Should().Throw<ModelException>().Which.Message
            .Should().EndWith($" '{_folder.Path}{Path.DirectorySeparatorChar}my models'\\'' folder' '{_folder.Path}{Path.DirectorySeparatorChar}my models'\\'' folder-safetensors'");
    }

    private Action Open() => () => ModelCheckpoint.Open(_folder.Path).Dispose();

    private void Set(string key, string value)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
    }
}
