using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;

namespace ExpertCluster.Tests.Tensors;

public sealed class CheckpointTensorsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Shards_read_as_one_checkpoint()
    {
        LibTorch.Load();
        Shard("one.safetensors", "a", 1);
        Shard("two.safetensors", "b", 2);
        Index("""{"metadata":{"total_size":8},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""");
        using CheckpointTensors tensors = CheckpointTensors.Open(_folder.Path);
        tensors.Contains("a").Should().BeTrue();
        tensors.Contains("c").Should().BeFalse();
        using torch.Tensor b = tensors.Read("b", torch.CPU, torch.ScalarType.Float32, 1);
        b.item<float>().Should().Be(2);
        tensors.BytesRead.Should().Be(4);
        tensors.Raw("a").Length.Should().Be(4);
        Throws(() => tensors.Read("c", torch.CPU, torch.ScalarType.Float32, 1), "'c'", _folder.Path, "missing");
        Throws(() => tensors.Require("a", 2), "'a'", "[1]", "[2]");
    }

    [Fact]
    public void Missing_files_are_named()
    {
        Throws(() => CheckpointTensors.Open(_folder["nowhere"]), "nowhere", "no such folder");
        Throws(() => CheckpointTensors.Open(_folder.Path), "model.safetensors");
        Index("""{"weight_map":{"a":"one.safetensors"}}""");
        Throws(() => CheckpointTensors.Open(_folder.Path), "one.safetensors");
        Shard("one.safetensors", "b", 1);
        Throws(() => CheckpointTensors.Open(_folder.Path), "one.safetensors", "'a'", "not in this shard");
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../one.safetensors"}}""", "plain file name")]
    [InlineData("""{"weight_map":{"a":"/etc/passwd"}}""", "plain file name")]
    [InlineData("""{"weight_map":{"a":"x\\y"}}""", "plain file name")]
    [InlineData("""{"weight_map":{"a":".."}}""", "plain file name")]
    [InlineData("""{"weight_map":{"a":""}}""", "plain file name")]
    [InlineData("""{"weight_map":{"a":7}}""", "not a string")]
    [InlineData("""{"weight_map":{"a":"x","a":"x"}}""", "twice")]
    [InlineData("""{"weight_map":[]}""", "weight_map")]
    [InlineData("""{}""", "weight_map")]
    [InlineData("""{"weight_map":""", "not valid JSON")]
    [InlineData("""[]""", "not a JSON object")]
    public void A_wrong_index_is_one_clear_line(string json, string expected)
    {
        Index(json);
        Throws(() => CheckpointTensors.Open(_folder.Path), CheckpointTensors.IndexFile, expected);
    }

    private static void Throws(Action action, params string[] parts) =>
        action.Should().Throw<CheckpointException>().Which.Message.Should().ContainAll(parts).And.NotContain("\n");

    private void Shard(string name, string tensor, float value) =>
        SafetensorsWriter.Write(_folder[name], [TensorToWrite.Floats(tensor, [1], [value])]);

    private void Index(string json) => File.WriteAllText(_folder[CheckpointTensors.IndexFile], json);
}
