using System.Diagnostics;
using System.Globalization;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>The other process: serves all three, and tells what it allocated when asked. Ends with its standard input.</summary>
internal sealed class LaneServer : IDisposable
{
    /// <summary>The option that makes this program the server.</summary>
    public const string ServeOption = "--serve";

    private readonly Process _process;

    private LaneServer(Process process, int raw, int lane, int akka)
    {
        _process = process;
        (RawPort, LanePort, AkkaPort) = (raw, lane, akka);
    }

    public int RawPort { get; }

    public int LanePort { get; }

    public int AkkaPort { get; }

    /// <summary>Serves until standard input ends.</summary>
    public static int Serve()
    {
        using var lane = LaneSubject.Serve();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{RawSocket.Serve()} {lane.Port} {AkkaRemote.Serve()}"));
        while (Console.In.ReadLine() is { } question)
        {
            Console.Out.WriteLine(question switch
            {
                "allocated" => GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture),
                "links" => string.Create(CultureInfo.InvariantCulture, $"{lane.Links.Incoming}"),
                "inflight" => string.Create(CultureInfo.InvariantCulture, $"{lane.InFlight.Received}"),
                "memory" => Environment.WorkingSet.ToString(CultureInfo.InvariantCulture),
                _ => "?",
            });
        }

        return 0;
    }

    public static LaneServer Start()
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(LaneServer).Assembly.Location);
        }

        foreach (var argument in new[] { "bench", "lane", ServeOption })
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var ports = process.StandardOutput.ReadLine()?.Split(' ') is { Length: 3 } parts
            ? Array.ConvertAll(parts, port => int.Parse(port, CultureInfo.InvariantCulture))
            : throw new InvalidOperationException("The other process did not say where it listens.");
        return new LaneServer(process, ports[0], ports[1], ports[2]);
    }

    /// <summary>Asks for a number.</summary>
    public long Ask(string question)
    {
        _process.StandardInput.WriteLine(question);
        return long.Parse(_process.StandardOutput.ReadLine() ?? "-1", CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
