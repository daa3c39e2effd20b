using System.Globalization;

namespace ExpertCluster.Client;

/// <summary>How <see cref="ExpertClusterClient"/> behaves. The defaults suit a cluster in one data centre.</summary>
public sealed record ExpertClusterClientOptions
{
    /// <summary>
    /// How long <see cref="ExpertClusterClient.ConnectAsync"/> tries to reach a first gateway. Default 10 s; 100 ms to 10 min.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long one TCP (and TLS) connection attempt may take before another gateway is tried. Default 3 s; 100 ms to 1 min.
    /// </summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Deadline of a call whose <see cref="RequestOptions.Deadline"/> is null. Default 60 s; 1 ms to 24 h.</summary>
    public TimeSpan RequestDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The largest message sent or accepted. Default 64 MiB; 64 KiB to 2047 MiB. A gateway has a limit of its own.</summary>
    public int MaxMessageBytes { get; init; } = 64 << 20;

    /// <summary>
    /// How often one call goes on at another gateway after a gateway took it and died. It bounds the harm of a request that kills
    /// whoever computes it; attempts that could not even connect do not count. Default 8; 0 to 1000.
    /// </summary>
    public int MaxResumes { get; init; } = 8;

    /// <summary>
    /// The first pause after every known gateway failed; it doubles up to <see cref="RetryBackoffMax"/>. Default 50 ms; 1 ms to 1 min.
    /// </summary>
    public TimeSpan RetryBackoffMin { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// The longest pause between two rounds over all gateways; each pause is cut by a random share of up to a half. Default 2 s; 1 ms to
    /// 10 min.
    /// </summary>
    public TimeSpan RetryBackoffMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// While calls run and nothing has come from a gateway for this long, it is pinged. Together with <see cref="KeepAlivePingTimeout"/>
    /// this is how soon a host that vanished without closing its connections is given up. Default 3 s; 1 s to 1 h.
    /// </summary>
    public TimeSpan KeepAlivePingDelay { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a ping may stay unanswered before the connection counts as dead. Default 2 s; 1 s to 1 min.</summary>
    public TimeSpan KeepAlivePingTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How old the list of gateways may be before a call refreshes it in the background. Default 30 s; 100 ms to 24 h.</summary>
    public TimeSpan GatewayRefreshInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where deadlines and pauses take their time from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Source of jitter and of the seed of a sampled generation that names none. Calls on it are serialised.</summary>
    public Random Random { get; init; } = Random.Shared;

    internal static TimeSpan MaxDeadline { get; } = TimeSpan.FromHours(24);

    /// <summary>Checks every value.</summary>
    /// <exception cref="InvalidRequestException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        Require(nameof(ConnectTimeout), ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        Require(nameof(DialTimeout), DialTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        Require(nameof(RequestDeadline), RequestDeadline, TimeSpan.FromMilliseconds(1), MaxDeadline);
        Require(nameof(MaxMessageBytes), MaxMessageBytes, 64 << 10, 2047 << 20);
        Require(nameof(MaxResumes), MaxResumes, 0, 1000);
        Require(nameof(RetryBackoffMin), RetryBackoffMin, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Require(nameof(RetryBackoffMax), RetryBackoffMax, RetryBackoffMin, TimeSpan.FromMinutes(10));
        Require(nameof(KeepAlivePingDelay), KeepAlivePingDelay, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Require(nameof(KeepAlivePingTimeout), KeepAlivePingTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Require(nameof(GatewayRefreshInterval), GatewayRefreshInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(24));
    }

    private static void Require<T>(string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            throw new InvalidRequestException(string.Create(
                CultureInfo.InvariantCulture,
                $"{nameof(ExpertClusterClientOptions)}.{name} is {value}; it must be between {least} and {most}."));
        }
    }
}
