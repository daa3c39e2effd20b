using ExpertCluster.Client.Gateways;
using ExpertCluster.Client.Wire;
using ExpertCluster.Protocol.V1;
using Grpc.Core;

namespace ExpertCluster.Client.Calls;

/// <summary>Finds a first gateway that answers.</summary>
internal static class GatewayConnector
{
    /// <summary>Asks all known endpoints at once and takes the first answer; keeps trying, as gateways may still be starting.</summary>
    /// <exception cref="GatewayUnavailableException">None answered within the time.</exception>
    public static async Task ConnectAsync(GatewayPool pool, ExpertClusterClientOptions options, CancellationToken caller)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(caller, timeout.Token);
        IReadOnlyList<GatewayChannel> gateways = pool.Snapshot();
        string[] failures = [.. gateways.Select(_ => "no answer")];
        List<Task<GatewayChannel?>> running =
            [.. gateways.Select((gateway, i) => AskAsync(pool, gateway, options, failure => failures[i] = failure, done.Token))];

        GatewayChannel? first = null;
        while (first is null && running.Count > 0)
        {
            Task<GatewayChannel?> finished = await Task.WhenAny(running).ConfigureAwait(false);
            running.Remove(finished);
            first = await finished.ConfigureAwait(false);
        }

        await done.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(false);
        caller.ThrowIfCancellationRequested();
        if (first is null)
        {
            throw new GatewayUnavailableException(
                $"No gateway answered within {nameof(ExpertClusterClientOptions.ConnectTimeout)} = {options.ConnectTimeout.TotalSeconds:0.###} s: "
                + string.Join("; ", gateways.Select((gateway, i) => $"{gateway.Display} ({failures[i].TrimEnd('.')})"))
                + ". Check the endpoints, and that a gateway runs there.");
        }

        pool.Succeeded(first);
    }

    private static async Task<GatewayChannel?> AskAsync(
        GatewayPool pool, GatewayChannel gateway, ExpertClusterClientOptions options, Action<string> failed, CancellationToken stop)
    {
        TimeSpan pause = options.RetryBackoffMin;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                GetGatewaysResponse response =
                    await gateway.Stub.GetGatewaysAsync(new GetGatewaysRequest(), cancellationToken: stop).ConfigureAwait(false);
                pool.Learn(gateway, response);
                return gateway;
            }
            catch (RpcException error) when (!stop.IsCancellationRequested)
            {
                failed(error.Status.DebugException?.GetBaseException().Message ?? $"{error.StatusCode}: {error.Status.Detail}");
                if (ErrorMapping.FromTransport(error, gateway.Display, "Connecting") is { } final && ErrorMapping.FromGateway(error) is null)
                {
                    // Something else than a gateway lives there; waiting will not change that.
                    failed(final.Message);
                    return null;
                }

                await Task.Delay(pause, options.TimeProvider, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < options.RetryBackoffMax ? pause * 2 : options.RetryBackoffMax;
            }
            catch (Exception error) when (error is RpcException or OperationCanceledException)
            {
                return null;
            }
        }

        return null;
    }
}
