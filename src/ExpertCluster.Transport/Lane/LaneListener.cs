using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// Takes connections, turns strangers away, and makes a link of every two that belong together. Whoever connects gets a thread for as long
/// as the handshake may take; more strangers than <see cref="MaxGreeting"/> at once wait in the system's queue.
/// </summary>
internal sealed class LaneListener : IDisposable
{
    private const int MaxGreeting = 32;
    private const int Backlog = 128;

    private readonly LaneIdentity _identity;
    private readonly LaneLimits _limits;
    private readonly IDispatchHandler _handler;
    private readonly ILogger _log;
    private readonly LaneGauge _gauge;
    private readonly Socket _socket;
    private readonly LaneSocketFile? _file;
    private readonly SemaphoreSlim _greeting = new(MaxGreeting);
    private readonly Lock _gate = new();
    private readonly HashSet<IncomingLink> _links = [];
    private readonly Dictionary<Guid, TaskCompletionSource<LaneConnection>> _halves = [];
    private readonly CancellationTokenSource _closing = new();
    private volatile bool _closed;

    /// <exception cref="SocketException">The address can not be listened on.</exception>
    public LaneListener(IPEndPoint endpoint, LaneIdentity identity, LaneLimits limits, IDispatchHandler handler, ILogger log, LaneGauge gauge)
    {
        (_identity, _limits, _handler, _log, _gauge) = (identity, limits, handler, log, gauge);
        _socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _socket.Bind(endpoint);
            _socket.Listen(Backlog);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        _file = limits.UnixSockets ? LaneSocketFile.TryCreate(log) : null;
        new Thread(() => Accept(_socket)) { IsBackground = true, Name = $"lane listener {Port}" }.Start();
        if (_file is not null)
        {
            new Thread(() => Accept(_file.Listener)) { IsBackground = true, Name = "lane listener of this host" }.Start();
        }
    }

    /// <summary>The port in use.</summary>
    public int Port { get; }

    /// <summary>Path of the Unix socket; null where there is none.</summary>
    public string? SocketPath => _file?.Path;

    /// <summary>Links that are up.</summary>
    public IReadOnlyList<IncomingLink> Links
    {
        get
        {
            lock (_gate)
            {
                return [.. _links];
            }
        }
    }

    public void Dispose()
    {
        _closed = true;
        _closing.Cancel();
        _socket.Dispose();
        _file?.Dispose();
        foreach (var link in Links)
        {
            link.Close("this node is shutting down");
        }
    }

    private void Accept(Socket listener)
    {
        while (!_closed)
        {
            try
            {
                _greeting.Wait();
                var socket = listener.Accept();
                new Thread(() => Greet(socket)) { IsBackground = true, Name = "lane link" }.Start();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                _greeting.Release();
                if (_closed)
                {
                    return;
                }

                if (e is not SocketException { SocketErrorCode: SocketError.ConnectionAborted or SocketError.ConnectionReset })
                {
                    // Out of descriptors, most likely: without a pause this would be a busy loop.
                    LaneLog.ListenerStopped(_log, e.Message);
                    _closing.Token.WaitHandle.WaitOne(_limits.ReconnectMin);
                }
            }
        }
    }

    /// <summary>On a thread of its own, which becomes the link's reader when the connection brings frames.</summary>
    private void Greet(Socket socket)
    {
        var peer = SocketConnection.Describe(socket);
        IncomingLink? link = null;
        Guid? begun = null;
        try
        {
            SocketOptions.Prepare(socket, _limits.HandshakeTimeout);

            // A timeout of each read alone would let a stranger who sends a byte now and then stay for ever.
            using (new Timer(_ => SocketOptions.Close(socket), null, _limits.HandshakeTimeout, Timeout.InfiniteTimeSpan))
            {
                LaneConnection connection = _identity.Tls is { } tls && socket.AddressFamily != AddressFamily.Unix
                    ? TlsConnection.Accept(socket, tls) : new SocketConnection(socket);
                var (hello, version) = LaneHandshake.Accept(connection, _identity, accepted => begun = Expect(accepted));
                connection = BlockedConnection.Wrap(connection, hello.From, _identity.Faults);
                link = hello.ToAcceptor ? Complete(hello, version, connection) : Offer(hello.Link, connection);
            }
        }
        catch (Exception e)
        {
            // Whatever a stranger sent: its connection ends, not the process.
            LaneLog.TurnedAway(_log, peer, SocketOptions.Reason(e));
            SocketOptions.Close(socket);
        }
        finally
        {
            Forget(begun, closeSecond: link is null);
            _greeting.Release();
        }

        if (link is null)
        {
            return;
        }

        LaneLog.Accepted(_log, link.Node);
        link.Run();
        lock (_gate)
        {
            _links.Remove(link);
        }
    }

    /// <summary>
    /// Makes room for the second connection of a link before its opener learns that the first is accepted: it may be here before this thread
    /// goes on.
    /// </summary>
    private Guid? Expect(LaneHello hello)
    {
        if (!hello.ToAcceptor)
        {
            return null;
        }

        lock (_gate)
        {
            return _halves.TryAdd(hello.Link, new TaskCompletionSource<LaneConnection>(TaskCreationOptions.RunContinuationsAsynchronously))
                ? hello.Link
                : throw new LaneProtocolException("it opened a link twice");
        }
    }

    private void Forget(Guid? begun, bool closeSecond)
    {
        TaskCompletionSource<LaneConnection>? half;
        lock (_gate)
        {
            if (begun is not { } id || !_halves.Remove(id, out half))
            {
                return;
            }
        }

        // Whoever had it before the removal and offers only now is told that it is too late.
        if (!half.TrySetCanceled() && closeSecond)
        {
            half.Task.Result.Close();
        }
    }

    /// <summary>The connection that brings frames waits for the one that takes answers.</summary>
    private IncomingLink Complete(LaneHello hello, byte version, LaneConnection frames)
    {
        var other = Half(hello.Link);
        if (!other.Task.Wait(_limits.HandshakeTimeout))
        {
            throw new LaneProtocolException("its second connection did not come");
        }

        var answers = other.Task.Result;
        lock (_gate)
        {
            if (_closed || _links.Count >= _limits.MaxLinks)
            {
                answers.Close();
                throw new LaneProtocolException(_closed ? "this node is shutting down" : $"there are {_links.Count} links already (ExpertCluster:Lane:MaxLinks)");
            }

            var link = new IncomingLink(hello.From, frames, answers, version, _limits, _handler, _log, _gauge);
            _links.Add(link);
            return link;
        }
    }

    private IncomingLink? Offer(Guid link, LaneConnection connection) =>
        Half(link).TrySetResult(connection) ? null : throw new LaneProtocolException("its first connection is gone, or its second is there already");

    private TaskCompletionSource<LaneConnection> Half(Guid link)
    {
        lock (_gate)
        {
            return _halves.TryGetValue(link, out var half) ? half : throw new LaneProtocolException("its first connection is not there");
        }
    }
}
