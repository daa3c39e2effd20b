using Akka.Event;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>
/// Takes the place of Akka's standard-output logger, which speaks before the real loggers start and after they stopped: the standard output
/// belongs to the program.
/// </summary>
public sealed class SilentLogger : MinimalLogger
{
    /// <inheritdoc/>
    protected override void Log(object message)
    {
    }
}
