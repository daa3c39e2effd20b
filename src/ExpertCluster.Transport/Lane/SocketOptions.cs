using System.Net.Sockets;

namespace ExpertCluster.Transport.Lane;

/// <summary>What every socket of a lane is set to.</summary>
internal static class SocketOptions
{
    // What the system grants may be less: 208 KiB unless somebody has set it.
    private const int UnixBufferBytes = 1 << 20;

    public static void Prepare(Socket socket, TimeSpan handshake)
    {
        if (socket.ProtocolType == ProtocolType.Tcp)
        {
            socket.NoDelay = true;
        }
        else
        {
            // TCP's buffers grow by themselves, those of Unix sockets do not.
            socket.SendBufferSize = UnixBufferBytes;
        }

        SetPatience(socket, handshake);
    }

    /// <summary>After the handshake nothing but the link's own watch limits how long it may be silent.</summary>
    public static void SetPatience(Socket socket, TimeSpan? patience) =>
        socket.SendTimeout = socket.ReceiveTimeout = (int)(patience?.TotalMilliseconds ?? 0);

    /// <summary>Closes a socket under whoever uses it.</summary>
    public static void Close(Socket? socket)
    {
        try
        {
            socket?.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was not connected any more.
        }

        socket?.Dispose();
    }

    /// <summary>Why a connection broke, in the system's words.</summary>
    public static string Reason(Exception error) => error switch
    {
        SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock } => "it did not answer in time",
        SocketException socket => socket.Message,
        ObjectDisposedException => "it was closed here",
        LaneProtocolException or IOException => error.Message,
        _ => $"{error.GetType().Name}: {error.Message}",
    };
}
