using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

/// <summary>A lane on loopback and nothing else; all of a test know where the others listen.</summary>
internal sealed class LaneNode : IDisposable
{
    private static int _number;
    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known;

    public LaneNode(
        ConcurrentDictionary<NodeId, LaneEndpoint> known, IDispatchHandler? handler = null, LaneLimits? limits = null, string cluster = "test",
        string secret = "", int port = 0, NodeId? self = null, bool inProcess = false, LaneTls? tls = null, int maxVersion = LaneIdentity.NewestVersion,
        ILaneFaults? faults = null)
    {
        _known = known;
        var number = Interlocked.Increment(ref _number);
        Self = self ?? new NodeId($"akka.tcp://test@127.0.0.1:{number}", number);
        Identity = new LaneIdentity(Self, cluster, System.Text.Encoding.UTF8.GetBytes(secret)) { Tls = tls, MaxVersion = maxVersion, Faults = faults };
        Lane = TensorLane.Start(
            Identity, new IPEndPoint(IPAddress.Loopback, port), (limits ?? new LaneLimits()) with { HandOverInProcess = inProcess },
            handler ?? DelegateHandler.Echo, node => known.GetValueOrDefault(node), TimeProvider.System, Log);
        known[Self] = Endpoint;
    }

    public NodeId Self { get; }

    public LaneIdentity Identity { get; }

    public TensorLane Lane { get; }

    public LaneEndpoint Endpoint => new("127.0.0.1", Lane.Port);

    public RecordingLogger Log { get; } = new();

    /// <summary>Random bits, NaNs among them.</summary>
    public static (DispatchFrame Frame, byte[] Bits) Frame(int rows, int hidden, int seed, TimeSpan? remaining = null)
    {
        var buffer = RowBuffer.Rent(rows, hidden);
        new Random(seed).NextBytes(MemoryMarshal.AsBytes(buffer.Memory.Span));
        var frame = new DispatchFrame("m", 0, 1, remaining ?? TimeSpan.FromMinutes(1), hidden, [new DispatchSegment(default, rows)], buffer);
        return (frame, Bits(buffer));
    }

    public static byte[] Bits(RowBuffer rows) => MemoryMarshal.AsBytes(rows.Memory.Span).ToArray();

    public static async Task EventuallyAsync(Func<bool> condition, string what)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(30));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!condition())
        {
            try
            {
                await timer.WaitForNextTickAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"Not within the deadline: {what}");
            }
        }
    }

    /// <summary>Sends a frame and checks that it comes back as it was.</summary>
    public async Task EchoAsync(LaneNode to, int rows, int hidden, int seed)
    {
        var (frame, sent) = Frame(rows, hidden, seed);
        using var result = await Lane.DispatchAsync(to.Self, frame, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Bits(result.Rows).AsSpan().SequenceEqual(sent).Should().BeTrue();
        result.Segments.Should().Equal(new SegmentResult(SegmentStatus.Done, rows));
    }

    /// <summary>Sends until the other end is found again.</summary>
    public async Task EchoWhenBackAsync(LaneNode to, int seed)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await EchoAsync(to, 2, 4, seed);
                return;
            }
            catch (NodeUnreachableException) when (attempt < 200)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(25), TestContext.Current.CancellationToken);
            }
        }
    }

    public void Dispose()
    {
        _known.TryRemove(Self, out _);
        Lane.Dispose();
    }
}
