using System.Runtime.InteropServices;

namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>Unix signals, by which a drill stops, pauses and kills the processes it started.</summary>
internal static partial class NodeSignal
{
    /// <summary>Ends a process at once, as a power cut would.</summary>
    public const int Kill = 9;

    /// <summary>Asks a process to end: a node leaves its cluster.</summary>
    public const int Terminate = 15;

    /// <summary>Continues a paused process. The numbers of the two differ between systems.</summary>
    public static int Continue => OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>Pauses a process: its sockets stay open and nobody answers.</summary>
    public static int Pause => OperatingSystem.IsMacOS() ? 17 : 19;

    /// <summary>Sends one.</summary>
    /// <exception cref="InvalidOperationException">There is no such process.</exception>
    public static void Send(int processId, int signal)
    {
        if (SendSignal(processId, signal) != 0)
        {
            throw new InvalidOperationException($"Signal {signal} could not be sent to process {processId}: it has ended.");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);
}
