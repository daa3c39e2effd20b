using System.Globalization;

namespace ExpertCluster.Client.Gateways;

/// <summary>Reads what people write for a gateway: <c>HOST:PORT</c>, <c>[IPV6]:PORT</c> or <c>http(s)://HOST[:PORT]</c>.</summary>
internal static class GatewayAddress
{
    /// <exception cref="InvalidRequestException">It is none of these.</exception>
    public static Uri Parse(string? endpoint)
        => TryParse(endpoint, Uri.UriSchemeHttp)
            ?? throw new InvalidRequestException(
                $"The endpoint '{Shorten(endpoint)}' is not HOST:PORT or http(s)://HOST[:PORT] with a port between 1 and 65535, "
                + "such as localhost:5080.");

    /// <summary>Null where it is malformed. <paramref name="defaultScheme"/> holds where it names none.</summary>
    public static Uri? TryParse(string? endpoint, string defaultScheme)
    {
        if (string.IsNullOrWhiteSpace(endpoint) || endpoint.Length > 512)
        {
            return null;
        }

        bool hasScheme = endpoint.Contains("://", StringComparison.Ordinal);
        if (!Uri.TryCreate(hasScheme ? endpoint : $"{defaultScheme}://{endpoint}", UriKind.Absolute, out Uri? uri)
            || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
            || uri.PathAndQuery != "/" || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0
            || uri.HostNameType is UriHostNameType.Unknown or UriHostNameType.Basic
            || uri.Port is < 1 or > 65535
            || (!hasScheme && !EndsWithPort(endpoint)))
        {
            return null;
        }

        return new Uri(uri.GetLeftPart(UriPartial.Authority));
    }

    /// <summary>The form for messages: <c>HOST:PORT</c>, with the scheme where it is not plain HTTP.</summary>
    public static string Display(Uri address)
    {
        string authority = string.Create(CultureInfo.InvariantCulture, $"{address.Host}:{address.Port}");
        return address.Scheme == Uri.UriSchemeHttp ? authority : $"{address.Scheme}://{authority}";
    }

    // A Uri cannot tell "host" from "host:80", and a forgotten port should not silently become 80.
    private static bool EndsWithPort(string endpoint)
    {
        int colon = endpoint.LastIndexOf(':');
        return colon > endpoint.LastIndexOf(']') && colon < endpoint.Length - 1 && endpoint.AsSpan(colon + 1).IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static string Shorten(string? endpoint) => endpoint is { Length: > 80 } ? endpoint[..80] + "…" : endpoint ?? "";
}
