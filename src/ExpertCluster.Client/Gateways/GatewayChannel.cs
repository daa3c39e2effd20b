using System.Net;
using System.Net.Sockets;
using ExpertCluster.Protocol.V1;
using Grpc.Net.Client;

namespace ExpertCluster.Client.Gateways;

/// <summary>The connections to one gateway, shared by all calls. Disposed when it was retired and its last call ended.</summary>
internal sealed class GatewayChannel
{
    private readonly Lock _sync = new();
    private readonly GrpcChannel _channel;
    private int _leases;
    private int _dials;
    private bool _retired;

    public GatewayChannel(Uri address, ExpertClusterClientOptions options)
    {
        Address = address;
        Display = GatewayAddress.Display(address);
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = CreateHandler(options),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = options.MaxMessageBytes,
            MaxSendMessageSize = options.MaxMessageBytes,
            // Going to another gateway is this client's business; gRPC must not repeat calls behind its back.
            MaxRetryAttempts = 1,
        });
        Stub = new ExpertClusterGateway.ExpertClusterGatewayClient(_channel);
    }

    public Uri Address { get; }

    /// <summary>The address as messages name it.</summary>
    public string Display { get; }

    public ExpertClusterGateway.ExpertClusterGatewayClient Stub { get; }

    /// <summary>
    /// Rises with each failure in the pool, so that the gateway that failed longest ago is tried first; 0 while it works.
    /// </summary>
    public long FailureStamp { get; set; }

    /// <summary>True while a connection is being opened.</summary>
    public bool IsDialing => Volatile.Read(ref _dials) > 0;

    /// <summary>Keeps the channel open for one call; false where it is already closed.</summary>
    public bool TryLease()
    {
        lock (_sync)
        {
            if (_retired)
            {
                return false;
            }

            _leases++;
            return true;
        }
    }

    public void Release()
    {
        bool close;
        lock (_sync)
        {
            close = --_leases == 0 && _retired;
        }

        if (close)
        {
            _channel.Dispose();
        }
    }

    /// <summary>Takes no new call, and closes behind the last one.</summary>
    public void Retire()
    {
        bool close;
        lock (_sync)
        {
            close = !_retired && _leases == 0;
            _retired = true;
        }

        if (close)
        {
            _channel.Dispose();
        }
    }

    private SocketsHttpHandler CreateHandler(ExpertClusterClientOptions options)
        => new()
        {
            ConnectTimeout = options.DialTimeout,
            // One HTTP/2 connection carries 100 calls; more open further ones.
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = options.KeepAlivePingDelay,
            KeepAlivePingTimeout = options.KeepAlivePingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            // A callback of our own also keeps gRPC from its own reconnect back-off of up to two minutes.
            ConnectCallback = DialAsync,
        };

    private async ValueTask<Stream> DialAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _dials);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(context.DnsEndPoint.Host.Trim('[', ']'), context.DnsEndPoint.Port), cancellationToken)
                .ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _dials);
        }
    }
}
