using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>The real program in a process of its own. Killed, if need be, when disposed of.</summary>
internal sealed class CliProcess : IDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _temporary;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];

    private CliProcess(Process process, DirectoryInfo temporary) => (_process, _temporary) = (process, temporary);

    public string Output => Read(_output);

    public string Error => Read(_error);

    /// <summary>Memory of the process that is in use, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public static CliProcess Start(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "expertcluster.exe" : "expertcluster"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // One that is killed leaves its sockets behind, here to be removed.
        var temporary = Directory.CreateTempSubdirectory("cli-");
        start.Environment["TMPDIR"] = temporary.FullName;
        start.Environment["XDG_STATE_HOME"] = temporary.FullName;
        var cli = new CliProcess(Process.Start(start)!, temporary);
        cli._process.OutputDataReceived += (_, line) => cli.Keep(cli._output, line.Data);
        cli._process.ErrorDataReceived += (_, line) => cli.Keep(cli._error, line.Data);
        cli._process.BeginOutputReadLine();
        cli._process.BeginErrorReadLine();
        return cli;
    }

    /// <summary>Runs to the end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(params IEnumerable<string> arguments)
    {
        using var cli = Start(arguments);
        return (await cli.ExitAsync(), cli.Output, cli.Error);
    }

    public static async Task<(int ExitCode, JsonElement Json)> RunJsonAsync(params IEnumerable<string> arguments)
    {
        var (code, output, error) = await RunAsync([.. arguments, "--json"]);
        try
        {
            return (code, JsonDocument.Parse(output).RootElement);
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"No JSON on standard output (exit code {code}): {output}\n{error}", e);
        }
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2));
        return _process.ExitCode;
    }

    /// <summary>Completes when a line with that text was printed; fails when the process ends without.</summary>
    public async Task SeeAsync(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_awaited)
        {
            if (Output.Contains(text, StringComparison.Ordinal) || Error.Contains(text, StringComparison.Ordinal))
            {
                return;
            }

            _awaited.Add((text, seen));
        }

        var ended = _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        if (await Task.WhenAny(seen.Task, ended).WaitAsync(TimeSpan.FromMinutes(1)) == ended && !seen.Task.IsCompleted)
        {
            throw new InvalidOperationException($"Ended with {_process.ExitCode} before '{text}' was seen: {Output}\n{Error}");
        }
    }

    /// <summary>Ends it as a power cut would.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Sends a Unix signal.</summary>
    public void Signal(int signal) => SendSignal(_process.Id, signal).Should().Be(0);

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
        try
        {
            _temporary.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A process that it had started is still ending.
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private void Keep(StringBuilder text, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_awaited)
        {
            lock (text)
            {
                text.AppendLine(line);
            }

            foreach (var (awaited, seen) in _awaited)
            {
                if (line.Contains(awaited, StringComparison.Ordinal))
                {
                    seen.TrySetResult();
                }
            }
        }
    }
}
