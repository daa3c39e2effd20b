using ExpertCluster.Models;
using ExpertCluster.Models.Tokenization;
using ExpertCluster.Tensors.Checkpoints;
using ExpertCluster.Tests.Tensors;
using ExpertCluster.Tests.Tokenization;

namespace ExpertCluster.Tests.Models;

/// <summary>A model hub's cache is a folder of relative links into a folder of blobs.</summary>
public sealed class LinkedCheckpointTests : IDisposable
{
    private readonly TempFolder _cache = new();

    public LinkedCheckpointTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");

    private string Snapshot => _cache["snapshots/0123abcd"];

    public void Dispose() => _cache.Dispose();

    [Fact]
    public void A_snapshot_of_relative_links_opens_like_the_files_themselves()
    {
        Link(ModelFiles.Folio);
        using ModelCheckpoint linked = ModelCheckpoint.Open(Snapshot);
        using ModelCheckpoint plain = ModelCheckpoint.Open(ModelFiles.Folio);
        linked.Fingerprint.Should().Be(plain.Fingerprint);
        linked.Tensors.Files[0].Length.Should().Be(plain.Tensors.Files[0].Length);
        linked.Tensors.Raw("model.norm.weight").SequenceEqual(plain.Tensors.Raw("model.norm.weight")).Should().BeTrue();
        TokenizerLoader.Open(Snapshot).VocabularySize.Should().Be(TokenizerLoader.Open(ModelFiles.Folio).VocabularySize);
    }

    [Fact]
    public void A_link_to_a_link_opens_too()
    {
        Link(ModelFiles.Folio);
        foreach (string file in Directory.GetFiles(Snapshot))
        {
            File.CreateSymbolicLink(_cache[Path.GetFileName(file)], file);
        }

        using ModelCheckpoint linked = ModelCheckpoint.Open(_cache.Path);
        linked.Shape.Family.Should().Be("mixtral");
    }

    [Fact]
    public void Linked_shards_and_their_linked_index_open()
    {
        using var files = new TempFolder();
        SafetensorsWriter.Write(files["one.safetensors"], [TensorToWrite.Floats("a", [1], [7])]);
        File.WriteAllText(files["model.safetensors.index.json"], """{"weight_map":{"a":"one.safetensors"}}""");
        Link(files.Path);
        using CheckpointTensors tensors = CheckpointTensors.Open(Snapshot);
        tensors.FileOf("a").ReadFloats("a").Should().Equal(7);
    }

    [Fact]
    public void The_limit_of_a_small_file_is_that_of_what_the_link_leads_to()
    {
        File.WriteAllBytes(_cache["long"], new byte[1000]);
        File.CreateSymbolicLink(_cache["link"], "long");
        FluentActions.Invoking(() => BoundedFile.Read(_cache["link"], 999, length => new InvalidDataException($"{length} bytes")))
            .Should().Throw<InvalidDataException>().WithMessage("1000 bytes");
        BoundedFile.Read(_cache["link"], 1000, length => new InvalidDataException($"{length} bytes")).Should().HaveCount(1000);
    }

    [Fact]
    public void A_link_that_leads_nowhere_is_named()
    {
        using var files = new TempFolder();
        SafetensorsWriter.Write(files["model.safetensors"], [TensorToWrite.Floats("a", [1], [7])]);
        Link(files.Path);
        File.Delete(_cache["blobs/0"]);
        FluentActions.Invoking(() => SafetensorsFile.Open(Path.Combine(Snapshot, "model.safetensors")))
            .Should().Throw<CheckpointException>().WithMessage("*model.safetensors*cannot be opened*");
    }

    private void Link(string folder)
    {
        Directory.CreateDirectory(_cache["blobs"]);
        Directory.CreateDirectory(Snapshot);
        int number = 0;
        foreach (string file in Directory.GetFiles(folder))
        {
            File.Copy(file, _cache[$"blobs/{number}"]);
            File.CreateSymbolicLink(Path.Combine(Snapshot, Path.GetFileName(file)), $"../../blobs/{number}");
            number++;
        }
    }
}
