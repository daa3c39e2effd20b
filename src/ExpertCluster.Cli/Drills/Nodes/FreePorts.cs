using System.Net;
using System.Net.Sockets;

namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>
/// Ports for nodes that stop and come back: from below the range out of which systems serve outgoing connections, or one of those might
/// take a port while its node is away.
/// </summary>
internal static class FreePorts
{
    private const int First = 20_000;
    private const int Last = 30_000;

    /// <summary>So many ports that nobody listens on now.</summary>
    public static IReadOnlyList<int> Find(int count)
    {
        var ports = new List<int>(count);
        for (var port = Random.Shared.Next(First, Last - 1000); ports.Count < count && port < Last; port++)
        {
            if (IsFree(port))
            {
                ports.Add(port);
            }
        }

        return ports.Count == count ? ports : throw new InvalidOperationException($"Fewer than {count} ports of {First} to {Last} are free.");
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
