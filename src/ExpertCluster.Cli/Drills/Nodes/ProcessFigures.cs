using System.Globalization;

namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>What a process uses, as the system counts it; zeros where the system tells nobody (it is read from /proc).</summary>
/// <param name="ResidentBytes">Memory in use.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Handles">Open descriptors.</param>
internal sealed record ProcessFigures(long ResidentBytes, int Threads, int Handles)
{
    /// <summary>Reads them.</summary>
    public static ProcessFigures Of(int processId)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");
        try
        {
            var fields = File.ReadLines($"{folder}/status").Select(line => line.Split(':', 2)).ToDictionary(p => p[0], p => p[1].Trim());
            return new ProcessFigures(Number(fields["VmRSS"]) * 1024, (int)Number(fields["Threads"]), Directory.GetFiles($"{folder}/fd").Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or KeyNotFoundException)
        {
            return new ProcessFigures(0, 0, 0);
        }

        static long Number(string text) => long.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
