using Spectre.Console;

namespace ExpertCluster.Cli.Output;

/// <summary>Where and how a command prints: colours and bars on a terminal, plain lines into a pipe.</summary>
internal static class Terminal
{
    /// <summary>Whether progress may redraw a line.</summary>
    public static bool IsInteractive => !Console.IsErrorRedirected && !Console.IsOutputRedirected;

    /// <summary>Standard output, where results go.</summary>
    public static IAnsiConsole Out { get; } = Create();

    private static IAnsiConsole Create()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Out),
            Ansi = IsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = IsInteractive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!IsInteractive)
        {
            // Nobody knows the width of a pipe; lines are broken by whoever reads them.
            console.Profile.Width = 240;
        }

        return console;
    }
}
