using System.Text.Json.Nodes;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Models;
using ExpertCluster.Models.Synthetic;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using ExpertCluster.Tests.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Models;

public sealed class ModelCheckpointTests : IDisposable
{
    private readonly TempFolder _folder = TestCheckpoints.Write();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Opening_reads_no_weights_and_tells_sizes()
    {
        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(_folder.Path);
        checkpoint.Tensors.BytesRead.Should().Be(0);
        checkpoint.Shape.Should().BeEquivalentTo(new
        {
            Family = "mixtral",
            Layers = 2,
            MoeLayers = (int[])[0, 1],
            ExpertsPerLayer = 4,
            ExpertsPerToken = 2,
            HiddenSize = 32,
            IntermediateSize = 48,
            VocabularySize = 64,
            MaxContext = 256,
            EndTokens = (int[])[2],
            BeginToken = 1,
        });
        checkpoint.ExpertBytes.Should().Be(3 * 32 * 48 * 4);
        checkpoint.Fingerprint.Should().MatchRegex("^[0-9a-f]{64}$");
        using ModelCheckpoint again = ModelCheckpoint.Open(_folder.Path);
        again.Fingerprint.Should().Be(checkpoint.Fingerprint);
        using TempFolder other = TestCheckpoints.Write(new SyntheticCheckpointOptions { Ffn = 40 });
        using ModelCheckpoint different = ModelCheckpoint.Open(other.Path);
        different.Fingerprint.Should().NotBe(checkpoint.Fingerprint);
    }

    [Fact]
    public async Task An_expert_reads_its_own_bytes_only()
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(_folder.Path);
        long bytes = await executor.RunAsync(
            () =>
            {
                using IExpertNetwork expert = checkpoint.LoadExpert(1, 3, CPU);
                return expert.Bytes;
            },
            TestContext.Current.CancellationToken);
        bytes.Should().Be(checkpoint.ExpertBytes);
        checkpoint.Tensors.BytesRead.Should().Be(bytes);
        Action layer = () => checkpoint.LoadExpert(2, 0, CPU);
        layer.Should().Throw<ArgumentOutOfRangeException>();
        Action index = () => checkpoint.LoadExpert(0, 4, CPU);
        index.Should().Throw<ArgumentOutOfRangeException>();
    }

    /// <summary>Products of 48 values rounded to 8 bits three times: some 1 %.</summary>
    [Fact]
    public async Task An_expert_in_bfloat16_takes_half_the_memory_and_answers_within_its_rounding()
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(_folder.Path);
        float[] rows = [.. Enumerable.Range(0, 3 * 32).Select(i => MathF.Sin(i))];
        float[][] answers = [new float[rows.Length], new float[rows.Length]];
        await executor.RunAsync(
            () =>
            {
                using IExpertNetwork whole = checkpoint.LoadExpert(1, 3, CPU);
                using IExpertNetwork half = checkpoint.LoadExpert(1, 3, CPU, ScalarType.BFloat16);
                half.Bytes.Should().Be(checkpoint.ExpertBytes / 2).And.Be(checkpoint.ExpertBytesAs(half.Type));
                whole.Bytes.Should().Be(checkpoint.ExpertBytesAs(whole.Type));
                ExpertNetworkRunner.Run(whole, rows, 3, answers[0], CPU);
                ExpertNetworkRunner.Run(half, rows, 3, answers[1], CPU);
            },
            TestContext.Current.CancellationToken);
        float largest = answers[0].Max(Math.Abs);
        answers[0].Zip(answers[1], (a, b) => Math.Abs(a - b)).Max().Should().BeInRange(1e-6f * largest, 0.03f * largest);
        FluentActions.Invoking(() => checkpoint.LoadExpert(1, 3, CPU, ScalarType.Float16)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(TensorType.F32, ScalarType.Float32)]
    [InlineData(TensorType.F16, ScalarType.BFloat16)]
    [InlineData(TensorType.BF16, ScalarType.BFloat16)]
    public void Automatic_types_follow_checkpoint_and_device(TensorType stored, ScalarType native)
    {
        using TempFolder folder = TestCheckpoints.Write(new SyntheticCheckpointOptions { Type = stored });
        using ModelCheckpoint checkpoint = ModelCheckpoint.Open(folder.Path);
        checkpoint.NativeType.Should().Be(native);
        new ExpertHostOptions { Device = "cuda:0" }.TypeOf(checkpoint).Should().Be(native);
        new ExpertHostOptions().TypeOf(checkpoint).Should().Be(ScalarType.Float32);
        new ExpertHostOptions { Dtype = "bfloat16" }.TypeOf(checkpoint).Should().Be(ScalarType.BFloat16);
        new ExpertHostOptions { Device = "cuda:0", Dtype = "float32" }.TypeOf(checkpoint).Should().Be(ScalarType.Float32);
    }

    [Fact]
    public void Generation_config_overrides_the_end_tokens()
    {
        File.WriteAllText(_folder["generation_config.json"], """{"eos_token_id":[5,7]}""");
        using (ModelCheckpoint checkpoint = ModelCheckpoint.Open(_folder.Path))
        {
            checkpoint.Shape.EndTokens.Should().Equal(5, 7);
        }

        File.WriteAllText(_folder["generation_config.json"], """{"eos_token_id":64}""");
        Throws("generation_config.json", "eos_token_id", "64");
        File.WriteAllText(_folder["generation_config.json"], "{");
        Throws("generation_config.json", "line 1");
    }

    [Theory]
    [InlineData("model_type", "\"llama\"", "mixtral")]
    [InlineData("model_type", "null", "missing")]
    [InlineData("hidden_size", "null", "missing")]
    [InlineData("hidden_size", "0", "0")]
    [InlineData("hidden_size", "\"32\"", "whole number")]
    [InlineData("num_hidden_layers", "1.5", "whole number")]
    [InlineData("num_experts_per_tok", "5", "1 to 4")]
    [InlineData("num_attention_heads", "5", "divide")]
    [InlineData("num_key_value_heads", "3", "divide")]
    [InlineData("head_dim", "7", "even")]
    [InlineData("hidden_act", "\"gelu\"", "silu")]
    [InlineData("attention_bias", "true", "not supported")]
    [InlineData("quantization_config", "{}", "not supported")]
    [InlineData("rope_scaling", """{"type":"yarn","factor":4.0}""", "rope_parameters")]
    [InlineData("rope_parameters", """{"rope_type":"longrope","rope_theta":1.0}""", "longrope")]
    [InlineData("rope_parameters", """{"rope_type":"dynamic","factor":2.0}""", "dynamic")]
    [InlineData("rope_parameters", """{"rope_type":"linear","factor":2.0,"beta":1}""", "beta")]
    [InlineData("rope_parameters", """{"rope_theta":-1}""", "rope_theta")]
    [InlineData("rms_norm_eps", "2", "rms_norm_eps")]
    [InlineData("sliding_window", "0", "sliding_window")]
    [InlineData("tie_word_embeddings", "1", "true or false")]
    [InlineData("vocab_size", "-1", "vocab_size")]
    [InlineData("eos_token_id", "[1,99]", "eos_token_id")]
    public void A_wrong_key_is_named(string key, string value, string expected)
    {
        var config = JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
        Throws("config.json", key, expected);
    }

    [Fact]
    public void Malformed_or_missing_files_are_named()
    {
        string good = File.ReadAllText(_folder["config.json"]);
        File.WriteAllText(_folder["config.json"], "{\n\"a\": 1,\n oops }");
        Throws("config.json", "line 3");
        File.WriteAllText(_folder["config.json"], "[]");
        Throws("config.json", "not a JSON object");
        File.Delete(_folder["config.json"]);
        Throws("config.json", "missing");
        FluentActions.Invoking(() => ModelCheckpoint.Open(_folder["nowhere"])).Should().Throw<ModelException>().WithMessage("*nowhere*no such folder*");
        File.WriteAllText(_folder["config.json"], good);
        File.Delete(_folder["model.safetensors"]);
        FluentActions.Invoking(() => ModelCheckpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*model.safetensors*");
    }

    [Fact]
    public void Missing_and_misshapen_tensors_are_named_before_anything_is_read()
    {
        var config = JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!.AsObject();
        config["num_hidden_layers"] = 3;
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
        FluentActions.Invoking(() => ModelCheckpoint.Open(_folder.Path))
            .Should().Throw<CheckpointException>().WithMessage("*model.layers.2.input_layernorm.weight*missing*");
        config["num_hidden_layers"] = 2;
        config["intermediate_size"] = 40;
        File.WriteAllText(_folder["config.json"], config.ToJsonString());
        FluentActions.Invoking(() => ModelCheckpoint.Open(_folder.Path))
            .Should().Throw<CheckpointException>().WithMessage("*experts.0.w1.weight*[48, 32]*[40, 32]*");
    }

    [Fact]
    public void A_truncated_checkpoint_is_refused()
    {
        byte[] bytes = File.ReadAllBytes(_folder["model.safetensors"]);
        File.WriteAllBytes(_folder["model.safetensors"], bytes[..^100]);
        FluentActions.Invoking(() => ModelCheckpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*truncated*");
    }

    [Fact]
    public void The_published_models_open()
    {
        using ModelCheckpoint folio = ModelCheckpoint.Open(Path.Combine(AppContext.BaseDirectory, "config/models/folio-moe"));
        folio.Decoder!.TiedHead.Should().BeTrue();
        folio.Decoder!.Rope!.Theta.Should().Be(10000);
        folio.ExpertBytes.Should().Be(3 * 128 * 256 * 4);
    }

    private void Throws(params string[] parts) =>
        FluentActions.Invoking(() => ModelCheckpoint.Open(_folder.Path)).Should().Throw<ModelException>()
            .Which.Message.Should().ContainAll(parts).And.NotContain("\n");
}
