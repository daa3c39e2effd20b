using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Experts;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace ExpertCluster.Cluster.Tests.Load;

public sealed class WorkLedgerSpec : IAsyncDisposable
{
    private readonly DeviceExecutor _executor = new("cpu", 1, patience: TimeSpan.FromHours(1));
    private readonly ManualResetEventSlim _hold = new();
    private readonly WorkLedger _ledger = new();
    private TimeSpan _now;

    public async ValueTask DisposeAsync()
    {
        _hold.Set();
        await _executor.DisposeAsync();
        _hold.Dispose();
    }

    [Fact]
    public async Task Frames_computed_together_share_the_time_by_rows_and_each_rows_wait_counts()
    {
        var queue = Queue();
        var (first, second) = (Expert(1), Expert(2));
        var one = Add(queue, (first, 3));
        _now += TimeSpan.FromMilliseconds(4);
        var other = Add(queue, (first, 1), (second, 4));
        await AnswersAsync(one, other);

        // Two products of 10 ms each, for eight rows of two values of four bytes, both ways.
        _ledger.Take().Should().BeEquivalentTo(new[]
        {
            ("m", new ReplicaWork(first.Replica, 4, 10_000, 12_000, 64)),
            ("m", new ReplicaWork(second.Replica, 4, 10_000, 0, 64)),
        });
        _ledger.Busy.Should().Be(TimeSpan.FromMilliseconds(20));
        _ledger.Take().Should().BeEmpty("nothing was done since");

        // One batch of two experts, four rows for each: the rows of the first lay together.
        _ledger.TakeBatches()["m"].Should().Equal(new BatchWork(1, 2, 2, 8, 20_000));
        _ledger.TakeBatches().Should().BeEmpty();
    }

    [Fact]
    public async Task What_fails_or_is_refused_is_not_counted()
    {
        var queue = Queue();
        var (good, bad) = (Expert(1), Expert(2, fails: true));
        await AnswersAsync(Add(queue, (good, 2), (bad, 6)));
        _ledger.Take().Should().ContainSingle().Which.Work.Should().Be(new ReplicaWork(good.Replica, 2, 20_000, 0, 32));
        _ledger.TakeBatches().Should().BeEmpty("the time of the whole says nothing about a part");
    }

    [Fact]
    public async Task A_replica_that_was_freed_is_told_once_more_and_forgotten()
    {
        var queue = Queue();
        var expert = Expert(1);
        await AnswersAsync(Add(queue, (expert, 2)));
        await _executor.RunAsync(expert.Free, TestContext.Current.CancellationToken);
        _ledger.Take().Should().ContainSingle();
        _ledger.Take().Should().BeEmpty();
    }

    private DeviceQueue Queue()
    {
        // The executor takes the most urgent first: only one that is held already keeps frames waiting together.
        using var held = new ManualResetEventSlim();
        _executor.Post(() =>
        {
            held.Set();
            _hold.Wait(TimeSpan.FromSeconds(20));
        });
        held.Wait(TimeSpan.FromSeconds(20)).Should().BeTrue();
        return new DeviceQueue(_executor, new ExpertHostOptions(), () => _now, NullLogger.Instance, _ledger);
    }

    private HostedExpert Expert(int index, bool fails = false) => new(
        new ReplicaId(0, index, 0), new TimedNetwork(() => _now += TimeSpan.FromMilliseconds(10), fails), 100);

    private static FrameWork Add(DeviceQueue queue, params (HostedExpert Expert, int Rows)[] segments)
    {
        var frame = new FrameWork(
            new DispatchFrame(
                "m", 0, 1, TimeSpan.FromMinutes(1), 2, [.. segments.Select(s => new DispatchSegment(s.Expert.Replica, s.Rows))],
                RowBuffer.Rent(segments.Sum(s => s.Rows), 2)),
            TimeSpan.FromMinutes(1), queue.Add);
        for (var i = 0; i < segments.Length; i++)
        {
            frame.Segments[i].Accept(segments[i].Expert);
        }

        return frame;
    }

    private async Task AnswersAsync(params FrameWork[] frames)
    {
        _hold.Set();
        await Task.WhenAll(frames.Select(f => f.Completion)).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    private sealed class TimedNetwork(Action computes, bool fails) : IExpertNetwork
    {
        public int HiddenSize => 2;

        public long Bytes => 0;

        public torch.ScalarType Type => torch.ScalarType.Float32;

        public torch.Tensor Forward(torch.Tensor rows)
        {
            computes();
            return fails ? throw new InvalidOperationException("told to fail") : torch.full_like(rows, 1f);
        }

        public void Dispose()
        {
        }
    }
}
