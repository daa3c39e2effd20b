using System.CommandLine;

namespace ExpertCluster.Cli.Commands;

/// <summary>Benchmarks, each of which compares within one run.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure, always as a ratio within one run.")
    {
        BenchLayerCommand.Create(),
        BenchGenerateCommand.Create(),
        BenchStartCommand.Create(),
        BenchGatesCommand.Create(),
        BenchLaneCommand.Create(),
    };
}
