using ExpertCluster.Protocol.V1;
using Grpc.Core;

namespace ExpertCluster.Client.Gateways;

/// <summary>
/// The gateways a client knows: those it was given and those it learned. Calls stay with the gateway that last answered; one that
/// failed goes to the end of the queue.
/// </summary>
internal sealed class GatewayPool : IAsyncDisposable
{
    private const int MaxGateways = 256;
    private static readonly TimeSpan RefreshTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _sync = new();
    private readonly ExpertClusterClientOptions _options;
    private readonly CancellationTokenSource _closing = new();
    private readonly HashSet<Uri> _seeds;
    private List<GatewayChannel> _gateways;
    private GatewayChannel? _preferred;
    private long _failures;
    private long _refreshedAt;
    private bool _refreshDue = true;
    private bool _disposed;
    private Task _refresh = Task.CompletedTask;

    public GatewayPool(IReadOnlyCollection<Uri> seeds, ExpertClusterClientOptions options)
    {
        _options = options;
        Closing = _closing.Token;
        _seeds = [.. seeds];
        _gateways = [.. _seeds.Select(seed => new GatewayChannel(seed, options))];
    }

    /// <summary>Signalled when the client is disposed.</summary>
    public CancellationToken Closing { get; }

    public IReadOnlyList<GatewayChannel> Snapshot()
    {
        lock (_sync)
        {
            return [.. _gateways];
        }
    }

    /// <summary>The best gateway outside <paramref name="tried"/>, leased; null where all were tried.</summary>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public GatewayChannel? TryLease(HashSet<Uri> tried)
    {
        lock (_sync)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(ExpertClusterClient));
            GatewayChannel? best = null;
            foreach (GatewayChannel gateway in _gateways)
            {
                if (!tried.Contains(gateway.Address) && (best is null || IsBetter(gateway, best)))
                {
                    best = gateway;
                }
            }

            return best is not null && best.TryLease() ? best : null;
        }
    }

    public void Succeeded(GatewayChannel gateway)
    {
        lock (_sync)
        {
            gateway.FailureStamp = 0;
            _preferred = gateway;
            bool stale = _refreshDue || _options.TimeProvider.GetElapsedTime(_refreshedAt) >= _options.GatewayRefreshInterval;
            if (!_disposed && stale && _refresh.IsCompleted && gateway.TryLease())
            {
                _refresh = RefreshAsync(gateway);
            }
        }
    }

    public void Failed(GatewayChannel gateway)
    {
        lock (_sync)
        {
            gateway.FailureStamp = ++_failures;
            _refreshDue = true;
        }
    }

    /// <summary>Takes over the list a gateway gave. The gateways the caller named stay, and so does the one that answered.</summary>
    public void Learn(GatewayChannel source, GetGatewaysResponse response)
    {
        var wanted = new HashSet<Uri>(_seeds) { source.Address };
        foreach (string endpoint in response.Endpoints)
        {
            // A malformed address from a gateway must not break clients that can reach the others.
            if (wanted.Count < MaxGateways && GatewayAddress.TryParse(endpoint, source.Address.Scheme) is { } address)
            {
                wanted.Add(address);
            }
        }

        List<GatewayChannel> dropped;
        lock (_sync)
        {
            _refreshedAt = _options.TimeProvider.GetTimestamp();
            _refreshDue = false;
            if (_disposed)
            {
                return;
            }

            dropped = _gateways.FindAll(gateway => !wanted.Contains(gateway.Address));
            List<GatewayChannel> kept = _gateways.FindAll(gateway => wanted.Remove(gateway.Address));
            _gateways = [.. kept, .. wanted.Select(address => new GatewayChannel(address, _options))];
            if (_preferred is not null && dropped.Contains(_preferred))
            {
                _preferred = null;
            }
        }

        dropped.ForEach(gateway => gateway.Retire());
    }

    public async ValueTask DisposeAsync()
    {
        List<GatewayChannel> gateways;
        lock (_sync)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            gateways = _gateways;
            _gateways = [];
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        await _refresh.ConfigureAwait(false);
        gateways.ForEach(gateway => gateway.Retire());
        _closing.Dispose();
    }

    private bool IsBetter(GatewayChannel gateway, GatewayChannel best)
        => gateway.FailureStamp != best.FailureStamp
            ? gateway.FailureStamp < best.FailureStamp
            : ReferenceEquals(gateway, _preferred);

    private async Task RefreshAsync(GatewayChannel gateway)
    {
        try
        {
            // Off the caller's lock and path: the call that triggered this does not wait for it.
            await Task.Yield();
            using var timeout = new CancellationTokenSource(RefreshTimeout, _options.TimeProvider);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, Closing);
            Learn(gateway, await gateway.Stub.GetGatewaysAsync(new GetGatewaysRequest(), cancellationToken: linked.Token).ConfigureAwait(false));
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException or ObjectDisposedException)
        {
            // The old list still serves; a call that fails on this gateway finds out by itself.
            lock (_sync)
            {
                _refreshedAt = _options.TimeProvider.GetTimestamp();
                _refreshDue = false;
            }
        }
        finally
        {
            gateway.Release();
        }
    }
}
