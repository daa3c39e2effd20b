using System.Diagnostics;
using System.Text;

namespace ExpertCluster.Cli.Clusters;

/// <summary>Nodes as child processes of this one. They end with it, however it ends: their standard input closes then.</summary>
internal sealed class NodeProcesses : IDisposable
{
    private readonly List<(Process Process, StringBuilder Output)> _children = [];

    private NodeProcesses()
    {
    }

    /// <summary>Starts <c>expertcluster node</c> that many times.</summary>
    /// <param name="count">How many.</param>
    /// <param name="arguments">Arguments behind <c>node</c> for the child of that index.</param>
    public static NodeProcesses Start(int count, Func<int, IReadOnlyList<string>> arguments)
    {
        var children = new NodeProcesses();
        try
        {
            for (var i = 0; i < count; i++)
            {
                children.Add(arguments(i));
            }

            return children;
        }
        catch
        {
            children.Dispose();
            throw;
        }
    }

    /// <summary>Waits for the work, or throws when a child ends before it is done.</summary>
    public async Task OrFailedAsync(Task work)
    {
        var ended = _children.Select(c => c.Process.WaitForExitAsync()).ToArray();
        if (await Task.WhenAny([work, .. ended]) != work)
        {
            var (process, output) = _children.First(c => c.Process.HasExited);
            lock (output)
            {
                throw new InvalidOperationException($"Node process {process.Id} ended with exit code {process.ExitCode}: {output}");
            }
        }

        await work;
    }

    public void Dispose()
    {
        foreach (var (process, _) in _children)
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        _children.Clear();
    }

    private void Add(IReadOnlyList<string> arguments)
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(NodeProcesses).Assembly.Location);
        }

        start.ArgumentList.Add("node");
        start.ArgumentList.Add("--exit-with-input");

        // They live no longer than a command; what they learned is of no use to later ones.
        start.ArgumentList.Add("--set");
        start.ArgumentList.Add("Store:Path=none");
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var output = new StringBuilder();
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        _children.Add((process, output));
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        void Keep(object sender, DataReceivedEventArgs line)
        {
            // The last few lines explain an early end.
            const int MostKept = 4096;
            lock (output)
            {
                output.AppendLine(line.Data);
                if (output.Length > MostKept)
                {
                    output.Remove(0, output.Length - MostKept);
                }
            }
        }
    }
}
