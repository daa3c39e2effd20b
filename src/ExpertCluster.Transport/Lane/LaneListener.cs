using System.Net;
using System.Net.Sockets;
using MessagePack;
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
    private readonly Socket _socket;
    private readonly SemaphoreSlim _greeting = new(MaxGreeting);
    private readonly Lock _gate = new();
    private readonly HashSet<IncomingLink> _links = [];
    private readonly Dictionary<Guid, TaskCompletionSource<Socket>> _halves = [];
    private volatile bool _closed;

    /// <exception cref="SocketException">The address can not be listened on.</exception>
    public LaneListener(IPEndPoint endpoint, LaneIdentity identity, LaneLimits limits, IDispatchHandler handler, ILogger log)
    {
        (_identity, _limits, _handler, _log) = (identity, limits, handler, log);
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
        new Thread(Accept) { IsBackground = true, Name = $"lane listener {Port}" }.Start();
    }

    /// <summary>The port in use.</summary>
    public int Port { get; }

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
        _socket.Dispose();
        foreach (var link in Links)
        {
            link.Close("this node is shutting down");
        }
    }

    private void Accept()
    {
        while (!_closed)
        {
            try
            {
                _greeting.Wait();
                var socket = _socket.Accept();
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
                    Thread.Sleep(_limits.ReconnectMin);
                }
            }
        }
    }

    /// <summary>On a thread of its own, which becomes the link's reader when the connection brings frames.</summary>
    private void Greet(Socket socket)
    {
        var peer = socket.RemoteEndPoint?.ToString() ?? "nowhere";
        IncomingLink? link = null;
        try
        {
            SocketOptions.Prepare(socket, _limits.HandshakeTimeout);

            // A timeout of each read alone would let a stranger who sends a byte now and then stay for ever.
            using (new Timer(_ => SocketOptions.Close(socket), null, _limits.HandshakeTimeout, Timeout.InfiniteTimeSpan))
            {
                var (hello, version) = LaneHandshake.Accept(socket, _identity);
                link = hello.ToAcceptor ? Complete(hello, version, socket) : Offer(hello.Link, socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or LaneProtocolException or MessagePackSerializationException)
        {
            LaneLog.TurnedAway(_log, peer, SocketOptions.Reason(e));
            SocketOptions.Close(socket);
        }
        finally
        {
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

    /// <summary>The connection that brings frames waits for the one that takes answers.</summary>
    private IncomingLink Complete(LaneHello hello, byte version, Socket frames)
    {
        var other = Half(hello.Link);
        try
        {
            if (!other.Task.Wait(_limits.HandshakeTimeout))
            {
                throw new LaneProtocolException("its second connection did not come");
            }
        }
        finally
        {
            lock (_gate)
            {
                _halves.Remove(hello.Link);
            }
        }

        var answers = other.Task.Result;
        lock (_gate)
        {
            if (_closed || _links.Count >= _limits.MaxLinks)
            {
                SocketOptions.Close(answers);
                throw new LaneProtocolException(_closed ? "this node is shutting down" : $"there are {_links.Count} links already (ExpertCluster:Lane:MaxLinks)");
            }

            var link = new IncomingLink(hello.From, frames, answers, version, _limits, _handler, _log);
            _links.Add(link);
            return link;
        }
    }

    private IncomingLink? Offer(Guid link, Socket socket)
    {
        if (!Half(link, create: false).TrySetResult(socket))
        {
            throw new LaneProtocolException("its first connection is not there");
        }

        return null;
    }

    private TaskCompletionSource<Socket> Half(Guid link, bool create = true)
    {
        lock (_gate)
        {
            if (_halves.TryGetValue(link, out var half))
            {
                return half;
            }

            if (!create)
            {
                throw new LaneProtocolException("its first connection is not there");
            }

            return _halves[link] = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
