using ExpertCluster.Models.Synthetic;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>A checkpoint with random weights that exists as long as its benchmark runs.</summary>
internal sealed class TemporaryCheckpoint : IDisposable
{
    private TemporaryCheckpoint(string directory) => Directory = directory;

    public string Directory { get; }

    public static TemporaryCheckpoint Write(SyntheticCheckpointOptions options)
    {
        var checkpoint = new TemporaryCheckpoint(
            System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"expertcluster-bench-{Guid.NewGuid():n}"));
        try
        {
            SyntheticCheckpoint.Write(checkpoint.Directory, options);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }
}
