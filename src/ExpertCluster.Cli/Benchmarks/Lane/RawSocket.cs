using System.Net;
using System.Net.Sockets;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>
/// A plain socket with a blocking thread for each direction: nothing is framed, checked or allocated. What no lane can beat by much.
/// </summary>
internal sealed class RawSocket : ILaneSubject
{
    private const int BufferBytes = 1 << 20;
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _sent = new byte[BufferBytes];
    private readonly byte[] _received = new byte[BufferBytes];

    public RawSocket(int port) => _socket.Connect(IPAddress.Loopback, port);

    public string Name => "raw socket";

    /// <summary>Sends back whatever comes, until the listener is closed.</summary>
    public static int Serve()
    {
        var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        new Thread(() =>
        {
            while (true)
            {
                var socket = listener.Accept();
                new Thread(() => Echo(socket)) { IsBackground = true }.Start();
            }
        })
        { IsBackground = true }.Start();
        return ((IPEndPoint)listener.LocalEndPoint!).Port;
    }

    public void Exchange(int bytes, int messages, int window)
    {
        // The sender may be a window ahead of what came back.
        using var room = new SemaphoreSlim(window);
        var sender = new Thread(() =>
        {
            for (var i = 0; i < messages; i++)
            {
                room.Wait();
                SendAll(_socket, _sent.AsSpan(0, bytes));
            }
        });
        if (window > 1)
        {
            sender.Start();
        }

        for (var i = 0; i < messages; i++)
        {
            if (window == 1)
            {
                SendAll(_socket, _sent.AsSpan(0, bytes));
            }

            for (var rest = bytes; rest > 0;)
            {
                var read = _socket.Receive(_received.AsSpan(0, rest));
                rest -= read > 0 ? read : throw new SocketException((int)SocketError.ConnectionReset);
            }

            if (window > 1)
            {
                room.Release();
            }
        }

        if (window > 1)
        {
            sender.Join();
        }
    }

    public void Dispose() => _socket.Dispose();

    private static void Echo(Socket socket)
    {
        using (socket)
        {
            socket.NoDelay = true;
            var buffer = new byte[BufferBytes];
            try
            {
                for (int read; (read = socket.Receive(buffer)) > 0;)
                {
                    SendAll(socket, buffer.AsSpan(0, read));
                }
            }
            catch (SocketException)
            {
                // The benchmark is over.
            }
        }
    }

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }
}
