using System.Net;
using System.Net.Sockets;

namespace ExpertCluster.Tests.Client;

/// <summary>A port that is ours but refuses connections: bound, never listened on.</summary>
public sealed class RefusingPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public RefusingPort() => _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    public string Endpoint => _socket.LocalEndPoint!.ToString()!;

    public void Dispose() => _socket.Dispose();
}
