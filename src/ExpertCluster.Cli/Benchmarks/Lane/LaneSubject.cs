using System.Net;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>The tensor lane as the cluster uses it: frames with a header, rows of float32, an answer to each.</summary>
internal sealed class LaneSubject : ILaneSubject
{
    private const int HiddenSize = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TensorLane _lane;
    private readonly DispatchSegment[] _segments = new DispatchSegment[1];
    private readonly ManualResetEventSlim _done = new();
    private readonly Action<Task<DispatchResult>> _answered;
    private volatile Exception? _failed;
    private int _columns;
    private int _unsent;
    private int _unanswered;

    /// <param name="to">Where the other process's lane listens; with a Unix socket, that is used.</param>
    public LaneSubject(LaneEndpoint to)
    {
        Name = to.Socket is null ? "lane" : "lane over unix socket";
        _answered = OnAnswer;
        _lane = Start(new NodeId("akka.tcp://bench@127.0.0.1:1", 1), new NoHandler(), _ => to);
    }

    /// <summary>The node that answers.</summary>
    public static NodeId Server { get; } = new("akka.tcp://bench@127.0.0.1:2", 2);

    public string Name { get; }

    public TensorLane Lane => _lane;

    public static TensorLane Start(NodeId self, IDispatchHandler handler, Func<NodeId, LaneEndpoint?> locate, LaneLimits? limits = null) => TensorLane.Start(
        new LaneIdentity(self, "bench", default), new IPEndPoint(IPAddress.Loopback, 0), limits ?? new LaneLimits { HandOverInProcess = false }, handler, locate,
        TimeProvider.System, NullLogger.Instance);

    /// <summary>Answers every frame with its own rows.</summary>
    public static TensorLane Serve() => Start(Server, new EchoHandler(), _ => null);

    public void Exchange(int bytes, int messages, int window)
    {
        _segments[0] = new DispatchSegment(default, Math.Max(1, bytes / sizeof(float) / HiddenSize));
        _columns = bytes / sizeof(float) / _segments[0].Rows;
        (_unsent, _unanswered, _failed) = (messages, messages, null);
        _done.Reset();
        for (var i = Math.Min(window, messages); i > 0; i--)
        {
            SendNext();
        }

        _done.Wait();
        if (_failed is { } failed)
        {
            throw failed;
        }
    }

    /// <summary>An answer sends the next message from the thread that brings it, as a router's mailbox would.</summary>
    private void SendNext()
    {
        if (Interlocked.Decrement(ref _unsent) >= 0)
        {
            var rows = RowBuffer.Rent(_segments[0].Rows, _columns);
            _lane.DispatchAsync(Server, new DispatchFrame("bench", 0, 1, Patience, _columns, _segments, rows), CancellationToken.None)
                .ContinueWith(_answered, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private void OnAnswer(Task<DispatchResult> answer)
    {
        if (answer.IsCompletedSuccessfully)
        {
            answer.Result.Dispose();
        }
        else
        {
            _failed ??= answer.Exception;
        }

        SendNext();
        if (Interlocked.Decrement(ref _unanswered) == 0)
        {
            _done.Set();
        }
    }

    public void Dispose()
    {
        _lane.Dispose();
        _done.Dispose();
    }

    private sealed class EchoHandler : IDispatchHandler
    {
        private static readonly SegmentResult[] One = [new SegmentResult(SegmentStatus.Done, 1)];

        public Task<DispatchResult> HandleAsync(DispatchFrame frame) =>
            Task.FromResult(new DispatchResult(frame.Segments.Count == 1 ? One : [.. frame.Segments.Select(_ => One[0])], frame.Rows.Move(), 0));
    }

    private sealed class NoHandler : IDispatchHandler
    {
        public Task<DispatchResult> HandleAsync(DispatchFrame frame) => throw new InvalidOperationException("This lane only sends.");
    }
}
