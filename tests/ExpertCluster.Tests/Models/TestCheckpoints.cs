using ExpertCluster.Models.Synthetic;
using ExpertCluster.Tests.Tensors;

namespace ExpertCluster.Tests.Models;

/// <summary>Tiny random checkpoints.</summary>
public static class TestCheckpoints
{
    public static TempFolder Write(SyntheticCheckpointOptions? options = null)
    {
        var folder = new TempFolder();
        SyntheticCheckpoint.Write(folder.Path, options ?? new SyntheticCheckpointOptions());
        return folder;
    }
}
