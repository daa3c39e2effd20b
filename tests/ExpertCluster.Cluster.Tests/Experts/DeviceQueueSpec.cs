using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Experts;
using ExpertCluster.Contracts;
using ExpertCluster.Tensors;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Cluster.Tests.Experts;

public sealed class DeviceQueueSpec : IAsyncDisposable
{
    private const int Hidden = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DeviceExecutor _executor = new("cpu", 1, patience: TimeSpan.FromHours(1));
    private readonly ManualResetEventSlim _hold = new();
    private readonly List<(int Expert, int Rows)> _products = [];
    private TimeSpan _now;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _hold.Set();
        await _executor.DisposeAsync();
        _hold.Dispose();
    }

    [Fact]
    public async Task Rows_of_several_frames_for_one_expert_become_one_product()
    {
        var queue = Queue();
        var (first, second) = (Expert(1, 3), Expert(2, 5));
        var frames = new[] { Add(queue, 0, (first, 2)), Add(queue, 0, (second, 1), (first, 3)), Add(queue, 0, (second, 4)) };

        await AnswersAsync(frames);

        _products.Should().Equal((1, 5), (2, 5));
        frames[0].Output.Memory.ToArray().Should().OnlyContain(value => value == 3);
        frames[1].Output.Memory.ToArray().Should().Equal(5, 5, 3, 3, 3, 3, 3, 3);
        first.Credits.Should().Be(100, "nothing waits any more");
    }

    [Fact]
    public async Task Only_frames_of_the_same_layer_and_no_more_rows_than_allowed_go_together()
    {
        var queue = Queue(maxFusedRows: 4);
        var expert = Expert(1, 3);
        FrameWork[] frames = [Add(queue, 0, (expert, 2)), Add(queue, 7, (expert, 1)), Add(queue, 0, (expert, 2)), Add(queue, 0, (expert, 1))];

        await AnswersAsync(frames);

        _products.Select(p => p.Rows).Should().Equal(4, 1, 1);
    }

    [Fact]
    public async Task The_nearest_deadline_goes_first_and_what_is_late_is_not_computed()
    {
        var queue = Queue();
        var expert = Expert(1, 3);
        var patient = Add(queue, 0, (expert, 3));
        var late = Add(queue, 1, TimeSpan.FromSeconds(1), (expert, 2));
        var urgent = Add(queue, 2, TimeSpan.FromSeconds(5), (expert, 1));
        _now = TimeSpan.FromSeconds(2);

        await AnswersAsync(patient, late, urgent);

        _products.Select(p => p.Rows).Should().Equal(1, 3);
        (await late.Completion).Segments.Should().Equal(new SegmentResult(SegmentStatus.Expired, 96));
    }

    [Fact]
    public async Task A_failure_is_that_of_one_expert_alone()
    {
        var queue = Queue();
        var (good, bad) = (Expert(1, 3), Expert(2, float.NaN));
        var frame = Add(queue, 0, (good, 1), (bad, 1));

        await AnswersAsync(frame);

        (await frame.Completion).Segments.Select(s => s.Status).Should().Equal(SegmentStatus.Done, SegmentStatus.Failed);
    }

    [Fact]
    public async Task Segments_of_a_replica_that_was_freed_meanwhile_are_not_here()
    {
        var queue = Queue();
        var (staying, going) = (Expert(1, 3), Expert(2, 5));
        going.Free();
        var frame = Add(queue, 0, (staying, 1), (going, 1));

        await AnswersAsync(frame);

        (await frame.Completion).Segments.Select(s => s.Status).Should().Equal(SegmentStatus.Done, SegmentStatus.NotHere);
    }

    [Fact]
    public async Task Rows_of_another_width_are_refused_with_both_widths_and_nothing_else_suffers()
    {
        var queue = Queue();
        var wide = new HostedExpert(new ReplicaId(0, 1, 0), new ConstantNetwork(1, 3, _products) { HiddenSize = 4 }, 100);
        FrameWork[] frames = [Add(queue, 0, (wide, 1)), Add(queue, 0, (wide, 1), (Expert(2, 5), 1))];

        await AnswersAsync(frames);

        (await frames[0].Completion).Segments[0].Should().Match<SegmentResult>(s =>
            s.Status == SegmentStatus.Failed && s.Detail!.Contains("have 2 values") && s.Detail.Contains("takes 4"));
        (await frames[1].Completion).Segments.Select(s => s.Status).Should().Equal(SegmentStatus.Failed, SegmentStatus.Done);
    }

    [Fact]
    public async Task A_fault_of_the_whole_batch_is_told_to_all_and_the_next_batch_computes()
    {
        var queue = Queue();
        var expert = Expert(1, 3);
        FrameWork[] broken = [Add(queue, 0, (expert, 1)), Add(queue, 0, (expert, 1))];
        broken[1].Frame.Dispose();

        await AnswersAsync(broken);
        var next = Add(queue, 0, (expert, 2));
        await AnswersAsync(next);

        foreach (var frame in broken)
        {
            (await frame.Completion).Segments[0].Status.Should().Be(SegmentStatus.Failed);
        }

        (await next.Completion).Segments[0].Status.Should().Be(SegmentStatus.Done);
        expert.Credits.Should().Be(100);
    }

    [Fact]
    public async Task A_frame_waits_for_its_last_segment_and_a_refused_one_counts()
    {
        var queue = Queue();
        _hold.Set();
        var expert = Expert(1, 3);
        var frame = Frame(queue, 0, TimeSpan.FromMinutes(1), 1, 2);
        frame.Segments[0].Accept(expert);
        await _executor.RunAsync(() => { }, Test);
        _products.Should().BeEmpty();
        frame.Segments[1].Refuse(new SegmentResult(SegmentStatus.NotHere, 0));

        await AnswersAsync(frame);

        _products.Should().Equal((1, 1));
    }

    [Fact]
    public async Task When_the_executor_is_gone_what_waits_is_sent_elsewhere()
    {
        var queue = Queue();
        _hold.Set();
        await _executor.DisposeAsync();
        var frame = Add(queue, 0, (Expert(1, 3), 1));

        (await frame.Completion.WaitAsync(Patience, Test)).Segments[0].Status.Should().Be(SegmentStatus.Busy);
        queue.Count.Should().Be(0);
    }

    [Fact]
    public void A_full_replica_says_busy_but_an_idle_one_takes_any_segment()
    {
        var expert = Expert(1, 3);
        expert.TryQueue(1000).Should().BeTrue();
        expert.TryQueue(1).Should().BeFalse();
        expert.Credits.Should().Be(0);
        expert.Leave(1000);
        expert.Credits.Should().Be(100);
    }

    private DeviceQueue Queue(int maxFusedRows = 1000)
    {
        // The executor takes the most urgent first: only one that is held already keeps frames waiting together.
        using var held = new ManualResetEventSlim();
        _executor.Post(() =>
        {
            held.Set();
            _hold.Wait(Patience);
        });
        held.Wait(Patience).Should().BeTrue();
        return new DeviceQueue(_executor, new ExpertHostOptions { MaxFusedRows = maxFusedRows }, () => _now, NullLogger.Instance);
    }

    private HostedExpert Expert(int index, float value) => new(new ReplicaId(0, index, 0), new ConstantNetwork(index, value, _products), 100);

    private static FrameWork Frame(DeviceQueue queue, int layer, TimeSpan expires, params int[] rows) => new(
        new DispatchFrame(
            "m", layer, 1, expires, Hidden, [.. rows.Select((r, i) => new DispatchSegment(new ReplicaId(layer, i, 0), r))],
            RowBuffer.Rent(rows.Sum(), Hidden)),
        expires, queue.Add);

    private static FrameWork Add(DeviceQueue queue, int layer, params (HostedExpert Expert, int Rows)[] segments) =>
        Add(queue, layer, TimeSpan.FromMinutes(1), segments);

    private static FrameWork Add(DeviceQueue queue, int layer, TimeSpan expires, params (HostedExpert Expert, int Rows)[] segments)
    {
        var frame = Frame(queue, layer, expires, [.. segments.Select(s => s.Rows)]);
        for (var i = 0; i < segments.Length; i++)
        {
            frame.Segments[i].Accept(segments[i].Expert);
        }

        return frame;
    }

    private async Task AnswersAsync(params FrameWork[] frames)
    {
        _hold.Set();
        await Task.WhenAll(frames.Select(frame => frame.Completion)).WaitAsync(Patience, Test);
    }
}
