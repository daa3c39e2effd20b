using System.Globalization;
using ExpertCluster.Transport;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>The other process: serves all three, and tells what it allocated when asked. Ends with its standard input.</summary>
internal sealed class LaneServer : IDisposable
{
    /// <summary>The option that makes this program the server.</summary>
    public const string ServeOption = "--serve";

    private readonly ChildProcess _process;

    private LaneServer(ChildProcess process, int raw, LaneEndpoint lane, int akka)
    {
        _process = process;
        (RawPort, Lane, AkkaPort) = (raw, lane, akka);
    }

    public int RawPort { get; }

    /// <summary>Where the lane listens, over TCP and its Unix socket.</summary>
    public LaneEndpoint Lane { get; }

    public int AkkaPort { get; }

    /// <summary>Serves until standard input ends.</summary>
    public static int Serve()
    {
        using var lane = LaneSubject.Serve();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{RawSocket.Serve()} {AkkaRemote.Serve()} {lane.Port} {lane.Endpoint("127.0.0.1").SocketText}"));
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
        var process = ChildProcess.Start("bench", "lane", ServeOption);
        var parts = process.Read().Split(' ', 4);
        var ports = parts.Length == 4
            ? Array.ConvertAll(parts[..3], port => int.Parse(port, CultureInfo.InvariantCulture))
            : throw new InvalidOperationException("The other process did not say where it listens.");
        return new LaneServer(process, ports[0], LaneEndpoint.Parse($"127.0.0.1:{ports[2]}", parts[3])!, ports[1]);
    }

    /// <summary>Asks for a number.</summary>
    public long Ask(string question) => long.Parse(_process.Ask(question), CultureInfo.InvariantCulture);

    public void Dispose() => _process.Dispose();
}
