using System.Buffers;
using System.Net;
using System.Net.Sockets;
using ExpertCluster.Transport;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>The lane spoken by hand, for those who speak it badly.</summary>
internal static class ChaosWire
{
    /// <summary>What bad peers speak.</summary>
    public const byte Version = 1;

    public static Socket Dial(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SendTimeout = socket.ReceiveTimeout = (int)ChaosSettings.DropWithin.TotalMilliseconds;
            socket.Connect(IPAddress.Loopback, port);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A link to the server, properly greeted.</summary>
    public static (Socket Frames, Socket Answers) Link(int port)
    {
        var link = Guid.NewGuid();
        var frames = Dial(port);
        Socket? answers = null;
        try
        {
            LaneHandshake.Connect(new SocketConnection(frames), ChaosSettings.Identity(ChaosSettings.Bad), ChaosSettings.Server, link, toAcceptor: true);
            answers = Dial(port);
            LaneHandshake.Connect(new SocketConnection(answers), ChaosSettings.Identity(ChaosSettings.Bad), ChaosSettings.Server, link, toAcceptor: false);
            return (frames, answers);
        }
        catch
        {
            frames.Dispose();
            answers?.Dispose();
            throw;
        }
    }

    /// <summary>A whole request in one packet.</summary>
    public static byte[] Request(ulong id, int rows)
    {
        using var buffer = RowBuffer.Rent(rows, ChaosSettings.HiddenSize);
        ChaosPattern.Request(buffer.Memory.Span, id);
        var header = new ArrayBufferWriter<byte>();
        using var frame = new DispatchFrame(
            ChaosSettings.Model, 0, 1, ChaosSettings.Patience, ChaosSettings.HiddenSize, [new DispatchSegment(default, rows)], buffer);
        FrameCodec.Write(frame, header);
        var body = System.Runtime.InteropServices.MemoryMarshal.AsBytes(buffer.Memory.Span);
        return [.. Prefix(PacketKind.Open, header.WrittenCount, id, body.Length, body.Length), .. header.WrittenSpan, .. body];
    }

    public static byte[] Prefix(PacketKind kind, int header, ulong id, long body, int chunk)
    {
        var prefix = new byte[PacketPrefix.Size];
        new PacketPrefix(kind, header, id, body, chunk).Write(prefix, Version);
        return prefix;
    }

    public static byte[] Heartbeat() => Prefix(PacketKind.Heartbeat, 0, 0, 0, 0);

    public static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    /// <summary>Reads and forgets until the other end closes; false when it has not in time.</summary>
    public static bool Closes(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        var deadline = Environment.TickCount64 + (long)ChaosSettings.DropWithin.TotalMilliseconds;
        var began = Environment.TickCount64;
        try
        {
            for (; socket.Receive(buffer) > 0; began = Environment.TickCount64)
            {
                if (Environment.TickCount64 > deadline)
                {
                    return false;
                }
            }

            return true;
        }
        catch (SocketException)
        {
            return WasClosed(began);
        }
    }

    /// <summary>
    /// Whether a call that failed did so because the other end closed, not because its own patience was over. The system's error does not
    /// tell: one that closes while its buffers are full may look like a time-out.
    /// </summary>
    public static bool WasClosed(long began) => Environment.TickCount64 - began < ChaosSettings.DropWithin.TotalMilliseconds - 500;

    /// <summary>Ends a connection without a word, in the middle of whatever it was in.</summary>
    public static void Cut(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end was faster.
        }

        socket.Dispose();
    }

    /// <summary>Reads answers, and checks each that is complete.</summary>
    /// <returns>How many there were, and how many of them were wrong; what the end of the connection cut off is neither.</returns>
    public static (int Answers, int Wrong) ReadAnswers(Socket socket, Func<bool> goOn)
    {
        var open = new Dictionary<ulong, (RowBuffer Rows, int Filled)>();
        var prefix = new byte[PacketPrefix.Size];
        var (answers, wrong) = (0, 0);
        try
        {
            while (goOn() && Fill(prefix))
            {
                var packet = PacketPrefix.Read(prefix, Version);
                if (packet.Kind is not (PacketKind.Open or PacketKind.More))
                {
                    Fill(new byte[packet.HeaderBytes]);
                    continue;
                }

                var (rows, filled) = open.TryGetValue(packet.Id, out var known) ? known : (RowBuffer.Rent(1, (int)packet.BodyBytes / sizeof(float)), 0);
                open[packet.Id] = (rows, filled + packet.ChunkBytes);
                Fill(new byte[packet.HeaderBytes]);
                Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(rows.Memory.Span).Slice(filled, packet.ChunkBytes));
                if (filled + packet.ChunkBytes == packet.BodyBytes)
                {
                    open.Remove(packet.Id);
                    answers++;
                    wrong += ChaosPattern.IsAnswer(rows.Memory.Span, packet.Id) ? 0 : 1;
                    rows.Dispose();
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end.
        }

        foreach (var (rows, _) in open.Values)
        {
            rows.Dispose();
        }

        return (answers, wrong);

        bool Fill(Span<byte> target)
        {
            while (target.Length > 0)
            {
                var read = socket.Receive(target);
                if (read == 0)
                {
                    return false;
                }

                target = target[read..];
            }

            return true;
        }
    }
}
