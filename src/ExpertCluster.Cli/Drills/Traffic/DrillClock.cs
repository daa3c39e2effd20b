using System.Diagnostics;

namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>Seconds since the drill began, for everything it records.</summary>
internal sealed class DrillClock
{
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>Now.</summary>
    public double Now => Stopwatch.GetElapsedTime(_started).TotalSeconds;
}
