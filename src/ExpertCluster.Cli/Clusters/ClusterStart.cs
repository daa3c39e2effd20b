using ExpertCluster.Node.Embedded;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cli.Clusters;

/// <summary>Starts an embedded cluster while the person at the terminal sees how far it is.</summary>
internal static class ClusterStart
{
    public static async Task<EmbeddedCluster> EmbeddedAsync(
        EmbeddedClusterOptions options, bool quiet, bool verbose, CancellationToken cancellationToken)
    {
        using var progress = new LoadProgress(quiet);
        progress.Say($"starting {options.Nodes} {(options.Nodes == 1 ? "node" : "nodes")}");
        var cluster = await EmbeddedCluster.StartAsync(options, logging => AddLogging(logging, verbose), cancellationToken);
        try
        {
            await cluster.WhenReadyAsync(progress, cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Log lines go to standard error, and only when asked for: the command's own words are for people.</summary>
    public static void AddLogging(ILoggingBuilder logging, bool verbose)
    {
        if (verbose)
        {
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
            logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
            logging.SetMinimumLevel(LogLevel.Information);
        }
    }
}
