using System.Globalization;
using System.Net;
using System.Text.Json;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>
/// One process of a chaos run: a server, an honest peer, or the one with all the bad ones. Says its port, then does what standard input says,
/// and ends with it.
/// </summary>
internal sealed class ChaosChild
{
    /// <summary>The option that makes this program a part of a chaos run.</summary>
    public const string RoleOption = "--chaos-role";

    public const string Server = "server";
    public const string Honest = "honest";
    public const string Bad = "bad";

    private readonly ChaosReport _report;
    private readonly CountingLogger _log = new();
    private readonly List<ChaosCaller> _callers = [];
    private readonly int _sockets = Sockets();
    private readonly int _seed;
    private readonly string _kind;
    private LaneEndpoint? _known;
    private TensorLane? _lane;
    private ChaosBad? _bad;

    private ChaosChild(string kind, int number, int seed)
    {
        (_kind, _seed) = (kind, seed + (7919 * number));
        _report = new ChaosReport { Role = number == 0 ? kind : string.Create(CultureInfo.InvariantCulture, $"{kind} {number}") };
    }

    /// <summary>Plays a part until standard input ends.</summary>
    /// <param name="role">Kind, number, port of the server, seed, and the server's Unix socket where that is to be used; commas between.</param>
    public static int Run(string role)
    {
        var parts = role.Split(',', 5);
        int Number(int i) => int.Parse(parts[i], CultureInfo.InvariantCulture);
        var child = new ChaosChild(parts[0], Number(1), Number(3));
        Console.Out.WriteLine(child.Begin(Number(1), LaneEndpoint.Parse($"127.0.0.1:{parts[2]}", parts.ElementAtOrDefault(4))).ToString(CultureInfo.InvariantCulture));
        while (Console.In.ReadLine() is { } line)
        {
            Console.Out.WriteLine(child.Do(line.Split(' ')));
        }

        return 0;
    }

    /// <returns>The port it listens on.</returns>
    private int Begin(int number, LaneEndpoint? server)
    {
        _known = server;
        if (_kind == Bad)
        {
            _bad = new ChaosBad(server!.Port, _seed, _report, _log);
            return _bad.AcceptorPort;
        }

        var self = _kind == Server ? ChaosSettings.Server : ChaosSettings.Node(10 + number);
        _lane = TensorLane.Start(
            ChaosSettings.Identity(self), new IPEndPoint(IPAddress.Loopback, 0), ChaosSettings.Limits, new ChaosHandler(), _ => _known, TimeProvider.System, _log);
        if (_kind == Honest)
        {
            Call(ChaosSettings.Server, ChaosSettings.Window, ChaosSettings.MaxRows, ChaosSettings.Patience);
        }

        return _lane.Port;
    }

    private string Do(string[] words)
    {
        switch (words[0])
        {
            case "dial":
                // The server calls a peer that takes its time, and never answers rightly.
                _known = new LaneEndpoint("127.0.0.1", int.Parse(words[1], CultureInfo.InvariantCulture));
                Call(ChaosSettings.Bad, 4, ChaosSettings.MaxRows, TimeSpan.FromSeconds(1));
                return "ok";
            case "socket":
                return _lane!.Endpoint("127.0.0.1").SocketText ?? "";
            case "mark":
                (_report.ResidentMarked, _report.BuffersKeptMarked) = (Resident(), TensorLane.BufferBytesKept);
                return "ok";
            case "quiet":
                StopAsync().GetAwaiter().GetResult();
                return "ok";
            case "report":
                End();
                return JsonSerializer.Serialize(_report);
            default:
                return "?";
        }
    }

    private void Call(NodeId to, int window, int maxRows, TimeSpan deadline) =>
        _callers.Add(new ChaosCaller(_lane!, to, window, maxRows, deadline, _seed, _report));

    /// <summary>No new calls and no new attacks; those under way end.</summary>
    private async Task StopAsync()
    {
        _report.LinksLost = _log.Lost;
        await Task.WhenAll(_callers.Select(caller => caller.StopAsync())).ConfigureAwait(false);
        if (_bad is not null)
        {
            await _bad.StopAsync().ConfigureAwait(false);
        }
    }

    private void End()
    {
        (_report.ResidentEnd, _report.BuffersKeptEnd) = (Resident(), TensorLane.BufferBytesKept);
        if (_lane is not null)
        {
            // Peers have gone: what was theirs must go by itself.
            Until(() => _lane.Links.Incoming == 0 && _lane.Held.Frames == 0);
            (_report.LinksLeft, _report.InFlightLeft) = (_lane.Links.Incoming, _lane.InFlight.Sent + _lane.InFlight.Received + _lane.Held.Frames);
            (_report.LongestQueueFrames, _report.LongestQueueBytes) = _lane.LongestQueue;
            _lane.Dispose();
        }

        _bad?.Dispose();
        Until(() => Sockets() <= _sockets && TensorLane.BuffersRented == 0);
        (_report.SocketsLeft, _report.BuffersLeft) = (Math.Max(0, Sockets() - _sockets), TensorLane.BuffersRented);
        (_report.TurnedAway, _report.AcceptedLost, _report.Trouble) = (_log.TurnedAway, _log.AcceptedLost, _log.Trouble);
    }

    private static void Until(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + (long)ChaosSettings.DropWithin.TotalMilliseconds;
        SpinWait.SpinUntil(() => condition() || Environment.TickCount64 > deadline);
    }

    private static long Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Environment.WorkingSet;
    }

    /// <summary>Sockets of this process; 0 where the system doesn't tell.</summary>
    private static int Sockets() => !OperatingSystem.IsLinux() ? 0
        : new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Count(entry => entry.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);
}
