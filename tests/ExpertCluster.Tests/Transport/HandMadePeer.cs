using System.Net;
using System.Net.Sockets;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Tests.Transport;

/// <summary>A node that knows the greeting and does nothing by itself: the test says when it reads and writes.</summary>
internal sealed class HandMadePeer : IDisposable
{
    private const int SmallBuffer = 16 * 1024;

    private HandMadePeer(Socket frames, Socket answers) => (Frames, Answers) = (frames, answers);

    public static NodeId Self { get; } = new("akka.tcp://test@127.0.0.1:7", 7);

    /// <summary>Brings frames to whoever was connected to.</summary>
    public Socket Frames { get; }

    /// <summary>Brings answers back.</summary>
    public Socket Answers { get; }

    private static LaneIdentity Identity { get; } = new(Self, "test", default) { MaxVersion = 1 };

    /// <summary>Opens a link to a node.</summary>
    public static HandMadePeer Connect(LaneNode to)
    {
        var link = Guid.NewGuid();
        return new HandMadePeer(Open(true), Open(false));

        Socket Open(bool toAcceptor)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = SmallBuffer };
            socket.Connect("127.0.0.1", to.Endpoint.Port);
            LaneHandshake.Connect(new SocketConnection(socket), Identity, to.Self, link, toAcceptor);
            return socket;
        }
    }

    /// <summary>Listens, and takes the link that a node opens.</summary>
    public static (LaneEndpoint Endpoint, Task<HandMadePeer> Peer) Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = SmallBuffer };
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return (new LaneEndpoint("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port), Task.Run(() =>
        {
            using (listener)
            {
                var frames = listener.Accept();
                LaneHandshake.Accept(new SocketConnection(frames), Identity, _ => { });
                var answers = listener.Accept();
                LaneHandshake.Accept(new SocketConnection(answers), Identity, _ => { });
                return new HandMadePeer(frames, answers);
            }
        }));
    }

    /// <summary>A whole frame of one segment, as it goes over the wire.</summary>
    public static byte[] Packet(ulong id, int rows, int hidden)
    {
        var (frame, bits) = LaneNode.Frame(rows, hidden, seed: (int)id);
        var header = new System.Buffers.ArrayBufferWriter<byte>();
        FrameCodec.Write(frame, header);
        frame.Dispose();
        var prefix = new byte[PacketPrefix.Size];
        new PacketPrefix(PacketKind.Open, header.WrittenCount, id, bits.Length, bits.Length).Write(prefix, 1);
        return [.. prefix, .. header.WrittenSpan, .. bits];
    }

    /// <summary>A sign of life on the connection that brings frames.</summary>
    public void Beat()
    {
        var prefix = new byte[PacketPrefix.Size];
        new PacketPrefix(PacketKind.Heartbeat, 0, 0, 0, 0).Write(prefix, 1);
        Frames.Send(prefix);
    }

    /// <summary>Reads what comes until that many messages are complete.</summary>
    public static void Drain(Socket socket, int messages)
    {
        var prefix = new byte[PacketPrefix.Size];
        var body = new byte[1 << 16];
        var left = new Dictionary<ulong, long>();
        while (messages > 0)
        {
            Fill(prefix);
            var packet = PacketPrefix.Read(prefix, 1);
            for (var rest = packet.HeaderBytes + packet.ChunkBytes; rest > 0;)
            {
                rest -= Fill(body.AsSpan(0, Math.Min(rest, body.Length)));
            }

            if (packet.Kind is PacketKind.Open or PacketKind.More)
            {
                left[packet.Id] = left.GetValueOrDefault(packet.Id, packet.BodyBytes) - packet.ChunkBytes;
                messages -= left[packet.Id] == 0 ? 1 : 0;
            }
        }

        int Fill(Span<byte> target)
        {
            for (var at = 0; at < target.Length;)
            {
                var read = socket.Receive(target[at..]);
                at += read > 0 ? read : throw new SocketException((int)SocketError.ConnectionReset);
            }

            return target.Length;
        }
    }

    public void Dispose()
    {
        Frames.Dispose();
        Answers.Dispose();
    }
}
