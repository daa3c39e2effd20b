using System.Threading.Channels;
using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Tests.Gateway;

/// <summary>Experts that answer zeros: at once, or when the test says so.</summary>
internal sealed class HeldExperts : IExpertBackend
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();

    private volatile TaskCompletionSource? _held;

    /// <summary>From now on calls wait for the test.</summary>
    public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Answers all that wait, and from now on every call at once.</summary>
    public void Release()
    {
        _held?.SetResult();
        _held = null;
    }

    /// <summary>Sees what is answered, and may throw instead.</summary>
    public Action<int, RoutedRows>? Answering { get; set; }

    public async Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct)
    {
        if (_held is { } held)
        {
            var call = new Call(layer, rows.Tokens);
            _calls.Writer.TryWrite(call);
            await (await Task.WhenAny(call.Answer.Task, held.Task).WaitAsync(ct));
        }

        output.Span.Clear();
        Answering?.Invoke(layer, rows);
    }

    /// <summary>The next call that waits.</summary>
    public async Task<Call> NextAsync() => await _calls.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>Whether another call waits now.</summary>
    public bool TryNext(out Call? call) => _calls.Reader.TryRead(out call);

    /// <summary>A step's rows for the experts of a layer.</summary>
    internal sealed record Call(int Layer, int Rows)
    {
        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
