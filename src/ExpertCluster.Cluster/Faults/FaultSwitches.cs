using System.Text.Json;
using Akka.Actor;
using Akka.Remote;
using Akka.Remote.Transport;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Faults;

/// <summary>
/// Follows the control file of a node and puts it into effect: on the control connection through Akka's own throttling adapter, on the lane
/// through <see cref="ILaneFaults"/>, on answers by waiting.
/// </summary>
internal sealed class FaultSwitches : ILaneFaults, IDisposable
{
    /// <summary>HOCON that a node with fault switches needs, the same on all nodes: the adapter is part of their addresses.</summary>
    public const string Hocon = "akka.remote.dot-netty.tcp.applied-adapters = [trttl]";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly string _file;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private volatile FaultState _state = FaultState.None;
    private volatile ExtendedActorSystem? _system;
    private string _text = "";
    private int _reading;

    private FaultSwitches(string file, TimeProvider time, ILogger log)
    {
        (_file, _log) = (file, log);
        FaultLog.Enabled(log, file);
        _timer = time.CreateTimer(_ => Read(), null, Interval, Interval);
    }

    /// <summary>Those of a node; null where it has none.</summary>
    public static FaultSwitches? Open(FaultOptions options, TimeProvider time, ILogger log) =>
        options is { Enabled: true, ControlFile: { } file } ? new FaultSwitches(file, time, log) : null;

    /// <summary>The control connection they act on.</summary>
    public void Attach(ActorSystem system) => _system = (ExtendedActorSystem)system;

    /// <inheritdoc/>
    public bool IsBlocked(NodeId node) => !_state.Block.IsEmpty && _state.Block.Contains(node.HostPort);

    /// <summary>The handler, its answers late when the switches say so.</summary>
    public IDispatchHandler Delay(IDispatchHandler handler) => new LateHandler(handler, this);

    public void Dispose() => _timer.Dispose();

    private void Read()
    {
        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            return;
        }

        try
        {
            var text = File.Exists(_file) ? File.ReadAllText(_file) : "";
            if (text != _text)
            {
                _text = text;
                Set(text.Length == 0 ? FaultState.None : FaultState.Read(text));
            }
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            FaultLog.Unreadable(_log, _file, e.Message);
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    private void Set(FaultState state)
    {
        var before = _state;
        _state = state;
        FaultLog.Changed(_log, state.Block.IsEmpty ? "nobody" : string.Join(", ", state.Block.Order()), state.AnswerDelay);
        if (_system?.Provider is IRemoteActorRefProvider { Transport: { } transport })
        {
            foreach (var address in before.Block.Except(state.Block))
            {
                Throttle(transport, address, Unthrottled.Instance);
            }

            foreach (var address in state.Block.Except(before.Block))
            {
                Throttle(transport, address, Blackhole.Instance);
            }
        }
    }

    private static void Throttle(RemoteTransport transport, string hostPort, ThrottleMode mode)
    {
        var colon = hostPort.LastIndexOf(':');
        if (int.TryParse(hostPort.AsSpan(colon + 1), out var port))
        {
            _ = transport.ManagementCommand(new SetThrottle(
                new Address("akka", "", hostPort[..colon], port), ThrottleTransportAdapter.Direction.Both, mode));
        }
    }

    private sealed class LateHandler(IDispatchHandler inner, FaultSwitches switches) : IDispatchHandler
    {
        public async Task<DispatchResult> HandleAsync(DispatchFrame frame)
        {
            var result = await inner.HandleAsync(frame).ConfigureAwait(false);
            if (switches._state.AnswerDelay is { Ticks: > 0 } delay)
            {
                await Task.Delay(delay).ConfigureAwait(false);
            }

            return result;
        }
    }
}
