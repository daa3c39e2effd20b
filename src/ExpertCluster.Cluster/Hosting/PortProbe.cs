using System.Net;
using System.Net.Sockets;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>Asks for a port before anything is started that would have to be undone when it is taken.</summary>
public static class PortProbe
{
    /// <summary>Returns when the port can be bound; 0, any free port, always can.</summary>
    /// <param name="key">The option it comes from, for the message.</param>
    /// <param name="host">Host name or address to bind.</param>
    /// <param name="port">The port.</param>
    /// <exception cref="PortUnavailableException">It is taken, or the host is none of this machine's.</exception>
    public static void Require(string key, string host, int port)
    {
        if (port == 0)
        {
            return;
        }

        try
        {
            var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
            using var listener = new TcpListener(address, port);
            listener.Start();
        }
        catch (SocketException e)
        {
            throw new PortUnavailableException(
                e.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"{host}:{port} ({key}) is in use by another program."
                    : $"{host}:{port} ({key}) can not be listened on: {e.Message}.",
                e);
        }
    }
}
