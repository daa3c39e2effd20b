using System.Net.Sockets;

namespace ExpertCluster.Transport.Lane;

/// <summary>Bytes as they are, over TCP or a Unix socket.</summary>
internal sealed class SocketConnection(Socket socket) : LaneConnection
{
    private SocketAsyncEventArgs? _args;
    private int _expected;

    public override string Peer { get; } = Describe(socket);

    public override string Kind => socket.AddressFamily == AddressFamily.Unix ? "Unix socket" : "TCP";

    /// <summary>The other end's address; the processes of a host have none.</summary>
    public static string Describe(Socket socket) =>
        socket.AddressFamily == AddressFamily.Unix ? "this host" : socket.RemoteEndPoint?.ToString() ?? "nowhere";

    public override int Receive(Span<byte> target) => socket.Receive(target);

    public override int Receive(List<ArraySegment<byte>> targets) => socket.Receive(targets, SocketFlags.None);

    public override void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    public override void SetPatience(TimeSpan? patience) => SocketOptions.SetPatience(socket, patience);

    public override void PrepareWrites(Action completed)
    {
        _args = new SocketAsyncEventArgs();
        _args.Completed += (_, _) => completed();
    }

    public override bool Write(List<ArraySegment<byte>> entries, int bytes)
    {
        _expected = bytes;
        _args!.BufferList = entries;
        return socket.SendAsync(_args);
    }

    public override Exception? Outcome() => _args!.SocketError != SocketError.Success ? new SocketException((int)_args.SocketError)
        : _args.BytesTransferred != _expected ? new SocketException((int)SocketError.ConnectionAborted) : null;

    public override void EndWrites() => _args?.Dispose();

    public override void Close() => SocketOptions.Close(socket);
}
