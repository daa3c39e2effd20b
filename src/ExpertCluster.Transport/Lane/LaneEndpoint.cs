using System.Globalization;

namespace ExpertCluster.Transport;

/// <summary>Where a lane listens.</summary>
/// <param name="Host">Name or address.</param>
/// <param name="Port">TCP port.</param>
public sealed record LaneEndpoint(string Host, int Port)
{
    /// <summary>Reads <c>HOST:PORT</c>; null when it is none.</summary>
    public static LaneEndpoint? Parse(string? text)
    {
        var colon = text?.LastIndexOf(':') ?? -1;
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
            ? new LaneEndpoint(text![..colon].Trim('[', ']'), port)
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");
}
