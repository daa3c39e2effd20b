using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// TLS of the framework over TCP, both ends with a certificate. Bytes are copied and enciphered in records of 16 KiB, so writes are not
/// gathered and reads not scattered.
/// </summary>
internal sealed class TlsConnection : LaneConnection
{
    private readonly Socket _socket;
    private readonly SslStream _stream;
    private Action? _completed;
    private Exception? _outcome;

    private TlsConnection(Socket socket)
    {
        _socket = socket;
        _stream = new SslStream(new NetworkStream(socket, ownsSocket: false), leaveInnerStreamOpen: false);
        Peer = SocketConnection.Describe(socket);
    }

    public override string Peer { get; }

    public override string Kind => $"TCP, {_stream.SslProtocol}";

    /// <summary>Greets as the one who was connected to.</summary>
    /// <exception cref="LaneProtocolException">The other end speaks no TLS, or its certificate is not good.</exception>
    public static TlsConnection Accept(Socket socket, LaneTls tls) => Authenticate(
        socket, tls.Accept, "it does not speak TLS as this node requires (ExpertCluster:Lane:Tls must be set on both)");

    /// <summary>Greets as the one who connects.</summary>
    /// <exception cref="LaneProtocolException">The other end speaks no TLS, or its certificate is not good.</exception>
    public static TlsConnection Connect(Socket socket, LaneTls tls) => Authenticate(
        socket, tls.Connect, "it does not speak TLS as this node does, or refused this node's certificate (ExpertCluster:Lane:Tls must be set on both)");

    public override int Receive(Span<byte> target) => _stream.Read(target);

    public override int Receive(List<ArraySegment<byte>> targets) => _stream.Read(targets[0]);

    public override void Send(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    public override void SetPatience(TimeSpan? patience) => SocketOptions.SetPatience(_socket, patience);

    public override void PrepareWrites(Action completed) => _completed = completed;

    public override bool Write(List<ArraySegment<byte>> entries, int bytes)
    {
        var writing = WriteAsync(entries);
        if (writing.IsCompleted)
        {
            return false;
        }

        writing.GetAwaiter().OnCompleted(_completed!);
        return true;
    }

    public override Exception? Outcome() => _outcome;

    public override void EndWrites()
    {
        // The stream has nothing that waits to be sent.
    }

    public override void Close()
    {
        SocketOptions.Close(_socket);
        _stream.Dispose();
    }

    private static TlsConnection Authenticate(Socket socket, Action<SslStream, Func<string?, bool>> greet, string otherwise)
    {
        string? fault = null;
        var connection = new TlsConnection(socket);
        try
        {
            greet(connection._stream, found => (fault = found) is not null);
            return connection;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            // Its patience is over, or this node closes: that is no question of TLS.
            var reason = fault ?? (e.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock } late
                ? SocketOptions.Reason(late) : $"{otherwise}: {e.Message}");
            connection.Close();
            throw new LaneProtocolException(reason);
        }
    }

    private async Task WriteAsync(List<ArraySegment<byte>> entries)
    {
        try
        {
            foreach (var entry in entries)
            {
                await _stream.WriteAsync(entry.AsMemory()).ConfigureAwait(false);
            }

            _outcome = null;
        }
        catch (Exception e)
        {
            // Whatever it was: a write that failed must not pass for one that went well.
            _outcome = e.InnerException as SocketException ?? e;
        }
    }
}
