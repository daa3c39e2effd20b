namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>A process that lived all the time.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Before">After the warm-up.</param>
/// <param name="After">At the end.</param>
internal sealed record NodeGrowth(string Node, ProcessFigures Before, ProcessFigures After)
{
    private const double Mebibyte = 1 << 20;

    /// <summary>Memory at the end by memory after the warm-up.</summary>
    public double MemoryRatio => (double)After.ResidentBytes / Before.ResidentBytes;

    /// <summary>Growth of memory in MiB.</summary>
    public double MemoryGrowthMb => (After.ResidentBytes - Before.ResidentBytes) / Mebibyte;

    /// <summary>Growth of descriptors or of threads, whichever is larger.</summary>
    public int HandleGrowth => Math.Max(After.Handles - Before.Handles, After.Threads - Before.Threads);
}
