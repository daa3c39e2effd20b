using System.Net.Sockets;
using ExpertCluster.Contracts;
using MessagePack;

namespace ExpertCluster.Transport.Lane;

/// <summary>Opens the two connections of a link, both greeted: over a Unix socket where both ends are on one host, else over TCP
/// and, with certificates, TLS.</summary>
internal static class LaneConnector
{
    /// <summary>Both or none.</summary>
    /// <exception cref="LaneProtocolException">The other end did not answer in time, is no lane, or does not want this node.</exception>
    /// <exception cref="SocketException">The system could not connect.</exception>
    public static (LaneConnection Frames, LaneConnection Answers, byte Version) Connect(
        LaneIdentity identity, NodeId node, LaneEndpoint endpoint, LaneLimits limits, TimeProvider time)
    {
        if (limits.UnixSockets && endpoint.Socket is { } path && LaneSocketFile.IsHere(endpoint.HostId, path))
        {
            try
            {
                return Both(() => Dialled(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified), new UnixDomainSocketEndPoint(path)));
            }
            catch (SocketException)
            {
                // A file whose process is gone, or in a place that is closed to this one: TCP says more, or works.
            }
        }

        return Both(() => Dialled(new Socket(SocketType.Stream, ProtocolType.Tcp), null));

        (LaneConnection, LaneConnection, byte) Both(Func<(Socket Socket, Action Connect)> dial)
        {
            var link = Guid.NewGuid();
            var frames = Open(dial, link, toAcceptor: true, out var version);
            try
            {
                var answers = Open(dial, link, toAcceptor: false, out _);
                frames.SetPatience(null);
                answers.SetPatience(null);
                return (frames, answers, version);
            }
            catch
            {
                frames.Close();
                throw;
            }
        }

        (Socket Socket, Action Connect) Dialled(Socket socket, UnixDomainSocketEndPoint? file) =>
            (socket, file is null ? () => socket.Connect(endpoint.Host, endpoint.Port) : () => socket.Connect(file));

        LaneConnection Open(Func<(Socket Socket, Action Connect)> dial, Guid link, bool toAcceptor, out byte agreed)
        {
            var patience = limits.HandshakeTimeout;
            if (identity.Faults?.IsBlocked(node) == true)
            {
                Thread.Sleep(patience);
                throw new LaneProtocolException($"{endpoint} did not answer within {patience.TotalSeconds:0.#} s");
            }

            var (socket, connect) = dial();
            var connected = false;

            // A system's own patience with an address that does not answer is minutes.
            using var timer = time.CreateTimer(_ => SocketOptions.Close(socket), null, patience, Timeout.InfiniteTimeSpan);
            try
            {
                SocketOptions.Prepare(socket, patience);
                connect();
                connected = true;
                LaneConnection connection = identity.Tls is { } tls && socket.AddressFamily != AddressFamily.Unix
                    ? TlsConnection.Connect(socket, tls) : new SocketConnection(socket);
                agreed = LaneHandshake.Connect(connection, identity, node, link, toAcceptor);
                return BlockedConnection.Wrap(connection, node, identity.Faults);
            }
            catch (ObjectDisposedException)
            {
                throw new LaneProtocolException($"{endpoint} did not answer within {patience.TotalSeconds:0.#} s");
            }
            catch (Exception e) when (connected && HasLeft(e))
            {
                SocketOptions.Close(socket);
                throw new LaneProtocolException("it closed the connection during the greeting; its log says why" + (
                    socket.AddressFamily == AddressFamily.Unix ? ""
                    : identity.Tls is null ? ": it may want TLS (ExpertCluster:Lane:Tls)"
                    : ": it may not take this node's certificate (ExpertCluster:Lane:Tls)"));
            }
            catch (MessagePackSerializationException)
            {
                SocketOptions.Close(socket);
                throw new LaneProtocolException($"{endpoint} is no lane");
            }
            catch
            {
                SocketOptions.Close(socket);
                throw;
            }
        }
    }

    /// <summary>Whether the other end closed, be it TLS that says so or the system.</summary>
    private static bool HasLeft(Exception error) => error switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown } => true,
        IOException { InnerException: SocketException inner } => HasLeft(inner),
        IOException => true,
        _ => false,
    };
}
