using System.Net;
using System.Net.Sockets;
using ExpertCluster.Transport;
using ExpertCluster.Transport.Lane;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>The bad process: attackers of all kinds in turn, an honest lane whose connections are cut, and a peer that the server calls in vain.</summary>
internal sealed class ChaosBad : IDisposable
{
    /// <summary>Attacks that the server had no room for.</summary>
    public const string NotBegun = "could not begin";

    private const int Attackers = 10;
    private static readonly TimeSpan FlakyDeadline = TimeSpan.FromSeconds(5);

    private readonly ChaosReport _report;
    private readonly ChaosProxy _proxy;
    private readonly ChaosAcceptor _acceptor;
    private readonly TensorLane _flaky;
    private readonly ChaosCaller _caller;
    private readonly Task[] _attackers;
    private volatile bool _stopping;

    public ChaosBad(int server, int seed, ChaosReport report, ILogger log)
    {
        _report = report;
        _acceptor = new ChaosAcceptor(new Random(seed + 1), Count);
        _proxy = new ChaosProxy(server, new Random(seed + 2));
        _flaky = TensorLane.Start(
            ChaosSettings.Identity(ChaosSettings.Flaky), new IPEndPoint(IPAddress.Loopback, 0), ChaosSettings.Limits, new ChaosHandler(),
            _ => new LaneEndpoint("127.0.0.1", _proxy.Port), TimeProvider.System, log);
        _caller = new ChaosCaller(_flaky, ChaosSettings.Server, 4, ChaosSettings.MaxRows, FlakyDeadline, seed + 3, report);
        _attackers = [.. Enumerable.Range(0, Attackers).Select(i => Task.Factory.StartNew(
            () => Attack(server, new Random(seed + 10 + i), i), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
    }

    public int AcceptorPort => _acceptor.Port;

    public async Task StopAsync()
    {
        _stopping = true;
        await _caller.StopAsync().ConfigureAwait(false);
        await Task.WhenAll(_attackers).ConfigureAwait(false);
        lock (_report)
        {
            _report.Bad["proxy: cut"] = _proxy.Cuts;
            (_report.LongestQueueFrames, _report.LongestQueueBytes) = _flaky.LongestQueue;
            (_report.LinksLeft, _report.InFlightLeft) = (_flaky.Links.Incoming, _flaky.InFlight.Sent + _flaky.Held.Frames);
        }

        _acceptor.Dispose();
    }

    public void Dispose()
    {
        _flaky.Dispose();
        _proxy.Dispose();
        _acceptor.Dispose();
    }

    private void Attack(int server, Random random, int first)
    {
        var attacks = new ChaosAttacks(server, random, Checked).All;
        for (var i = first; !_stopping; i = random.Next(attacks.Length))
        {
            try
            {
                Count(attacks[i % attacks.Length].Name, attacks[i % attacks.Length].Run());
            }
            catch (Exception e) when (e is SocketException or LaneProtocolException)
            {
                // Not even greeted: the server has too many strangers at once.
                Count(NotBegun, true);
            }
        }
    }

    private void Checked(int answers, int wrong)
    {
        lock (_report)
        {
            _report.SlowAnswers += answers;
            _report.SlowWrong += wrong;
        }
    }

    private void Count(string kind, bool dropped)
    {
        lock (_report)
        {
            _report.Bad[kind] = _report.Bad.GetValueOrDefault(kind) + 1;
            if (!dropped)
            {
                _report.NotDropped[kind] = _report.NotDropped.GetValueOrDefault(kind) + 1;
            }
        }
    }
}
