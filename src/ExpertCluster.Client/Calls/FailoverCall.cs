using System.Globalization;
using System.Text;
using ExpertCluster.Client.Gateways;
using ExpertCluster.Client.Wire;
using ExpertCluster.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;

namespace ExpertCluster.Client.Calls;

/// <summary>
/// One call of the SDK while it goes from gateway to gateway: its deadline, its request id, where it has been and what happened there.
/// </summary>
internal sealed class FailoverCall : IDisposable
{
    private readonly GatewayPool _pool;
    private readonly ExpertClusterClientOptions _options;
    private readonly string _operation;
    private readonly string _requestId;
    private readonly string _client;
    /// <summary>The gateway knows best why a deadline could not be met; its answer is waited for this much longer.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _deadline;
    private readonly long _startedAt;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _linked;
    private readonly HashSet<Uri> _triedThisRound = [];
    private readonly Dictionary<string, string> _failures = [];
    private Exception? _lastFailure;
    private TimeSpan _backoff;
    private int _resumes;

    /// <exception cref="InvalidRequestException">The deadline is out of range.</exception>
    public FailoverCall(
        GatewayPool pool, ExpertClusterClientOptions options, string operation, RequestOptions? request, CancellationToken caller)
    {
        _pool = pool;
        _options = options;
        _operation = operation;
        _caller = caller;
        _deadline = request?.Deadline ?? options.RequestDeadline;
        if (_deadline <= TimeSpan.Zero || _deadline > ExpertClusterClientOptions.MaxDeadline)
        {
            throw new InvalidRequestException(
                $"{operation}: {nameof(RequestOptions.Deadline)} is {_deadline}; it must be positive and at most "
                + $"{ExpertClusterClientOptions.MaxDeadline.TotalHours} h.");
        }

        // Made here so that every gateway logs the call under the same name.
        _requestId = request?.RequestId ?? Guid.NewGuid().ToString("N");
        _client = request?.Client ?? "";
        _startedAt = options.TimeProvider.GetTimestamp();
        _backoff = options.RetryBackoffMin;
        _timeout = new CancellationTokenSource(_deadline + Grace, options.TimeProvider);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(caller, _timeout.Token, pool.Closing);
    }

    /// <summary>Signalled by the caller, by the deadline or when the client is disposed.</summary>
    public CancellationToken Token => _linked.Token;

    private TimeSpan Remaining
    {
        get
        {
            TimeSpan remaining = _deadline - _options.TimeProvider.GetElapsedTime(_startedAt);
            return remaining > TimeSpan.Zero ? remaining : TimeSpan.FromMilliseconds(1);
        }
    }

    /// <summary>What the next attempt says about itself.</summary>
    public CallInfo Info() =>
        new() { RequestId = _requestId, Client = _client, DeadlineMs = (long)Math.Ceiling(Remaining.TotalMilliseconds) };

    /// <summary>gRPC's own view of the same deadline.</summary>
    public CallOptions CallOptions() => new(deadline: DateTime.UtcNow + Remaining + Grace, cancellationToken: Token);

    /// <exception cref="InvalidRequestException">The message is larger than the client may send.</exception>
    public void RequireSize(IMessage message)
    {
        int size = message.CalculateSize();
        if (size > _options.MaxMessageBytes)
        {
            throw new InvalidRequestException(
                $"{_operation}: the request is {size} bytes; {nameof(ExpertClusterClientOptions)}."
                + $"{nameof(ExpertClusterClientOptions.MaxMessageBytes)} allows {_options.MaxMessageBytes}. Send fewer rows or tokens, or raise it.");
        }
    }

    /// <summary>
    /// The next gateway to try, leased. Waits when all were tried since the last pause.
    /// </summary>
    /// <exception cref="GatewayUnavailableException">The deadline passed while every gateway was failing.</exception>
    public async ValueTask<GatewayChannel> NextAsync()
    {
        _caller.ThrowIfCancellationRequested();
        while (true)
        {
            if (_pool.TryLease(_triedThisRound) is { } gateway)
            {
                return gateway;
            }

            _triedThisRound.Clear();
            try
            {
                await Task.Delay(Jitter(_backoff), _options.TimeProvider, Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                ThrowIfCancelledByCaller();
                throw Unavailable($"within its deadline of {Show(_deadline)}");
            }

            TimeSpan doubled = _backoff * 2;
            _backoff = doubled < _options.RetryBackoffMax ? doubled : _options.RetryBackoffMax;
        }
    }

    /// <summary>The gateway answered to the end.</summary>
    public void Succeeded(GatewayChannel gateway) => _pool.Succeeded(gateway);

    /// <summary>Returns where another gateway may do better; otherwise throws what the caller should see.</summary>
    /// <param name="gateway">Where the attempt ran.</param>
    /// <param name="error">How it ended.</param>
    /// <exception cref="ExpertClusterException">The gateway's own answer, or no further attempt is allowed.</exception>
    public void ThrowUnlessElsewhere(GatewayChannel gateway, Exception error)
    {
        ThrowIfCancelledByCaller();
        ExpertClusterException? typed = error is RpcException status ? ErrorMapping.FromGateway(status) : null;
        if (typed is not null and not GatewayUnavailableException)
        {
            // The gateway lives and has answered.
            _pool.Succeeded(gateway);
            throw typed;
        }

        if (_timeout.IsCancellationRequested || error is RpcException { StatusCode: StatusCode.DeadlineExceeded })
        {
            if (gateway.IsDialing)
            {
                Remember(gateway, "no connection", error);
                throw Unavailable($"within its deadline of {Show(_deadline)}");
            }

            throw new DeadlineExceededException(
                $"{_operation} did not finish within its deadline of {Show(_deadline)} at gateway {gateway.Display} (request {_requestId}). "
                + $"Ask for less, or set a longer {nameof(RequestOptions)}.{nameof(RequestOptions.Deadline)}.",
                error);
        }

        if (typed is null && error is RpcException transport
            && ErrorMapping.FromTransport(transport, gateway.Display, _operation) is { } final)
        {
            throw final;
        }

        _pool.Failed(gateway);
        _triedThisRound.Add(gateway.Address);
        Remember(gateway, typed?.Message ?? Describe(error), error);
        bool tookTheCall = typed is null && !IsConnectFailure(error);
        if (tookTheCall && ++_resumes > _options.MaxResumes)
        {
            throw Unavailable(
                $"after {_resumes} gateways failed while computing it (limit: "
                + $"{nameof(ExpertClusterClientOptions)}.{nameof(ExpertClusterClientOptions.MaxResumes)} = {_options.MaxResumes})");
        }
    }

    public void Dispose()
    {
        _linked.Dispose();
        _timeout.Dispose();
    }

    private static string Show(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    // Nothing was computed where there was no connection, so such an attempt says nothing about the request.
    private static bool IsConnectFailure(Exception error)
        => error is RpcException
        {
            Status.DebugException: HttpRequestException
            {
                HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                    or HttpRequestError.SecureConnectionError
            }
        };

    private static string Describe(Exception error)
    {
        if (error is not RpcException { Status: var status })
        {
            return error.Message;
        }

        Exception? root = status.DebugException?.GetBaseException();
        return root is null || root.Message.Length == 0 ? $"{status.StatusCode}: {status.Detail}" : root.Message;
    }

    private void Remember(GatewayChannel gateway, string reason, Exception error)
    {
        _lastFailure = error;
        _failures[gateway.Display] = reason;
    }

    private void ThrowIfCancelledByCaller()
    {
        if (_caller.IsCancellationRequested)
        {
            throw new OperationCanceledException($"{_operation} was cancelled by its caller.", _caller);
        }

        ObjectDisposedException.ThrowIf(_pool.Closing.IsCancellationRequested, typeof(ExpertClusterClient));
    }

    private GatewayUnavailableException Unavailable(string limit)
    {
        var message = new StringBuilder($"{_operation} could not be finished by any gateway {limit} (request {_requestId}).");
        foreach ((string endpoint, string reason) in _failures)
        {
            message.Append(CultureInfo.InvariantCulture, $" {endpoint}: {reason.TrimEnd('.')}.");
        }

        return new GatewayUnavailableException(message.Append(" Check that a gateway runs there, then try again.").ToString(), _lastFailure);
    }

    private TimeSpan Jitter(TimeSpan pause)
    {
        lock (_options.Random)
        {
            return pause * (1 - (_options.Random.NextDouble() / 2));
        }
    }
}
