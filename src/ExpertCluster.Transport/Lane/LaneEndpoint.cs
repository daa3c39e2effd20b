using System.Globalization;

namespace ExpertCluster.Transport;

/// <summary>Where a lane listens.</summary>
/// <param name="Host">Name or address.</param>
/// <param name="Port">TCP port.</param>
/// <param name="HostId">The running system that <paramref name="Socket"/> is on; null where there is none.</param>
/// <param name="Socket">Path of a Unix socket, for those of the same host; null where there is none.</param>
public sealed record LaneEndpoint(string Host, int Port, string? HostId = null, string? Socket = null)
{
    private const char Separator = ':';

    /// <summary>The Unix socket as one text, <c>HOSTID:PATH</c>; null where there is none.</summary>
    public string? SocketText => HostId is null || Socket is null ? null : $"{HostId}{Separator}{Socket}";

    /// <summary>Reads <c>HOST:PORT</c>; null when it is none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="socket">What <see cref="SocketText"/> was; anything else, or null, is as if there were no Unix socket.</param>
    public static LaneEndpoint? Parse(string? text, string? socket = null)
    {
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is <= 0 or > 65535)
        {
            return null;
        }

        var split = socket?.IndexOf(Separator, StringComparison.Ordinal) ?? -1;
        var host = text![..colon].Trim('[', ']');
        return split > 0 && split + 1 < socket!.Length ? new LaneEndpoint(host, port, socket[..split], socket[(split + 1)..]) : new LaneEndpoint(host, port);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");
}
