using System.Diagnostics;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>The time a text may take to split: generous for patterns that run in linear time, the end for those that do not.</summary>
internal sealed class SplitDeadline(int textLength)
{
    /// <summary>Longest single match.</summary>
    public static readonly TimeSpan Match = TimeSpan.FromSeconds(2);

    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly TimeSpan _total = TimeSpan.FromSeconds(5) + TimeSpan.FromMicroseconds(5L * textLength);

    public bool Passed => Stopwatch.GetElapsedTime(_start) > _total;
}
