using System.Diagnostics;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>This program once more, in a process of its own, talked to in lines. It ends with its standard input, whatever becomes of this one.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public static ChildProcess Start(params IEnumerable<string> arguments)
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return new ChildProcess(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start."));
    }

    /// <summary>The next line it says.</summary>
    /// <exception cref="InvalidOperationException">It ended instead.</exception>
    public string Read() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The other process ended before its time.");

    /// <summary>Says a line to it and waits for the answer.</summary>
    public string Ask(string line)
    {
        _process.StandardInput.WriteLine(line);
        return Read();
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already.
        }

        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
