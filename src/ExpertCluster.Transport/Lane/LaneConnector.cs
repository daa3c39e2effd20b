using System.Net.Sockets;
using ExpertCluster.Contracts;
using MessagePack;

namespace ExpertCluster.Transport.Lane;

/// <summary>Opens the two connections of a link, both greeted.</summary>
internal static class LaneConnector
{
    /// <summary>Both or none.</summary>
    /// <exception cref="LaneProtocolException">The other end did not answer in time, is no lane, or does not want this node.</exception>
    /// <exception cref="SocketException">The system could not connect.</exception>
    public static (Socket Frames, Socket Answers, byte Version) Connect(
        LaneIdentity identity, NodeId node, LaneEndpoint endpoint, TimeSpan patience, TimeProvider time)
    {
        var link = Guid.NewGuid();
        var frames = Open(toAcceptor: true, out var version);
        try
        {
            var answers = Open(toAcceptor: false, out _);
            SocketOptions.Release(frames);
            SocketOptions.Release(answers);
            return (frames, answers, version);
        }
        catch
        {
            SocketOptions.Close(frames);
            throw;
        }

        Socket Open(bool toAcceptor, out byte agreed)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);

            // A system's own patience with an address that does not answer is minutes.
            using var timer = time.CreateTimer(_ => SocketOptions.Close(socket), null, patience, Timeout.InfiniteTimeSpan);
            try
            {
                SocketOptions.Prepare(socket, patience);
                socket.Connect(endpoint.Host, endpoint.Port);
                agreed = LaneHandshake.Connect(socket, identity, node, link, toAcceptor);
                return socket;
            }
            catch (ObjectDisposedException)
            {
                throw new LaneProtocolException($"{endpoint} did not answer within {patience.TotalSeconds:0.#} s");
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
}
