using BenchmarkDotNet.Attributes;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Benchmarks;

/// <summary>Opening a checkpoint file: mapping it and parsing its header.</summary>
[MemoryDiagnoser]
public class SafetensorsBenchmark
{
    private readonly string _path = Path.Combine(Folio.Directory, "model.safetensors");

    /// <summary>Opens and closes it; no tensor is read.</summary>
    [Benchmark]
    public int Open()
    {
        using var file = SafetensorsFile.Open(_path);
        return file.Entries.Count;
    }
}
