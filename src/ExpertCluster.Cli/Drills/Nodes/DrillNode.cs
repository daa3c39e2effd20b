using System.Diagnostics;
using System.Globalization;
using ExpertCluster.Cli.Drills.Traffic;

namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>One <c>expertcluster node</c>, a child process that can be started again at the same ports. It never outlives the drill.</summary>
internal sealed class DrillNode(string name, string role, int port, int? gatewayPort, DrillClock clock) : IDisposable
{
    private const int MostLines = 20_000;

    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];
    private Process? _process;

    /// <summary>A line came.</summary>
    public event Action<DrillNode, string>? Said;

    /// <summary>Such as <c>expert-0</c>.</summary>
    public string Name => name;

    /// <summary>gateway or expert.</summary>
    public string Role => role;

    /// <summary><c>HOST:PORT</c> of its control connection, by which reports name it.</summary>
    public string Address { get; } = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    /// <summary><c>HOST:PORT</c> for clients; null on an expert node.</summary>
    public string? GatewayEndpoint { get; } = gatewayPort is null ? null : string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{gatewayPort}");

    /// <summary>Arguments behind <c>node</c>.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>Environment variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>();

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>Whether its process lives, be it paused.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Whether it may end: it was told to, or a fault will end it.</summary>
    public bool MayEnd { get; set; }

    /// <summary>Exit code of the last run; null while it runs, and before the first.</summary>
    public int? ExitCode => _process is { HasExited: true } ended ? ended.ExitCode : null;

    /// <summary>What its process uses.</summary>
    public ProcessFigures Figures => IsRunning ? ProcessFigures.Of(_process!.Id) : new ProcessFigures(0, 0, 0);

    /// <summary>The last lines it said.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Starts its process.</summary>
    public void Start()
    {
        if (IsRunning)
        {
            throw new InvalidOperationException($"{name} runs already.");
        }

        _process?.Dispose();
        MayEnd = false;
        Starts++;
        var start = new ProcessStartInfo(System.Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown."))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in Program(start.FileName).Concat(["node", "--exit-with-input"]).Concat(Arguments))
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in Environment)
        {
            start.Environment[key] = value;
        }

        var process = _process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) =>
        NodeSignal.Send(_process?.Id ?? throw new InvalidOperationException($"{name} was never started."), signal);

    /// <summary>Waits until its process has ended.</summary>
    /// <exception cref="TimeoutException">It has not by then.</exception>
    public async Task EndAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            await _process!.WaitForExitAsync(cancellationToken).WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{name} has not ended within {patience.TotalSeconds:0} s.");
        }
    }

    /// <summary>Completes when a line with this text comes from now on.</summary>
    /// <exception cref="TimeoutException">None has by then.</exception>
    public async Task SeeAsync(string text, TimeSpan patience, CancellationToken cancellationToken)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _awaited.Add((text, seen));
        }

        try
        {
            await seen.Task.WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{name} has not said '{text}' within {patience.TotalSeconds:0} s; its last line: {Lines.LastOrDefault() ?? "none"}");
        }
    }

    public void Dispose()
    {
        if (_process is null)
        {
            return;
        }

        try
        {
            if (!_process.HasExited)
            {
                _process.Kill();
                _process.WaitForExit();
            }
        }
        catch (InvalidOperationException)
        {
            // It ended in between.
        }

        _process.Dispose();
        _process = null;
    }

    private static IEnumerable<string> Program(string path) =>
        Path.GetFileNameWithoutExtension(path) == "dotnet" ? [typeof(DrillNode).Assembly.Location] : [];

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        TaskCompletionSource[] seen;
        lock (_gate)
        {
            _lines.Add(string.Create(CultureInfo.InvariantCulture, $"[{clock.Now:0.000}] {line}"));
            if (_lines.Count > MostLines)
            {
                _lines.RemoveRange(0, MostLines / 10);
            }

            seen = [.. _awaited.Where(a => line.Contains(a.Text, StringComparison.Ordinal)).Select(a => a.Seen)];
        }

        Array.ForEach(seen, s => s.TrySetResult());
        Said?.Invoke(this, line);
    }
}
