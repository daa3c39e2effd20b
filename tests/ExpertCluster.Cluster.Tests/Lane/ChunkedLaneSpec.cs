using System.Runtime.InteropServices;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Tests.Lane;

public sealed class ChunkedLaneSpec
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_frame_of_5_MB_comes_back_bit_for_bit_at_the_default_frame_size()
    {
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(DelegateHandler.Echo);
        a.System.Settings.Config.GetByteSize("akka.remote.dot-netty.tcp.maximum-frame-size").Should().Be(128_000);
        var (frame, sent) = Frame(1280, 1024, seed: 1);
        using var result = await a.Lane.DispatchAsync(b.Self, frame, Test).WaitAsync(Patience, Test);
        Bits(result.Rows).SequenceEqual(sent).Should().BeTrue();
        result.Segments.Should().Equal(new SegmentResult(SegmentStatus.Done, 1280));
        FluentActions.Invoking(() => frame.Rows.Memory).Should().Throw<ObjectDisposedException>("the lane owns the frames it is given");
    }

    [Fact]
    public async Task Many_large_frames_travel_both_ways_at_once()
    {
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(DelegateHandler.Echo);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            var (from, to) = i % 2 == 0 ? (a, b) : (b, a);
            var (frame, sent) = Frame(300 + i, 1024, seed: i);
            using var result = await from.Lane.DispatchAsync(to.Self, frame, Test).WaitAsync(Patience, Test);
            Bits(result.Rows).SequenceEqual(sent).Should().BeTrue();
        }));
    }

    [Fact]
    public async Task A_frame_for_this_node_itself_goes_to_its_handler_without_a_wire()
    {
        DispatchFrame? seen = null;
        await using var a = new LaneNode(new DelegateHandler(frame =>
        {
            seen = frame;
            return DelegateHandler.Echo.HandleAsync(frame);
        }));
        var (frame, sent) = Frame(2, 4, seed: 1);
        using var result = await a.Lane.DispatchAsync(a.Self, frame, Test);
        seen.Should().BeSameAs(frame);
        Bits(result.Rows).SequenceEqual(sent).Should().BeTrue();
        FluentActions.Invoking(() => frame.Rows.Memory).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public async Task A_node_that_dies_fails_its_pending_calls_at_once_and_new_ones_too()
    {
        var received = new TaskCompletionSource();
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(new DelegateHandler(_ =>
        {
            received.TrySetResult();
            return new TaskCompletionSource<DispatchResult>().Task;
        }));
        var pending = a.Lane.DispatchAsync(b.Self, Frame(1, 4, seed: 1).Frame, Test);
        var alsoPending = a.Lane.DispatchAsync(b.Self, Frame(1, 4, seed: 2).Frame, Test);
        await received.Task.WaitAsync(Patience, Test);
        await b.System.Terminate();
        foreach (var call in new[] { pending, alsoPending })
        {
            var error = await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(TimeSpan.FromSeconds(5), Test));
            error.Node.Should().Be(b.Self);
        }

        var (late, _) = Frame(1, 4, seed: 3);
        await Assert.ThrowsAsync<NodeUnreachableException>(() => a.Lane.DispatchAsync(b.Self, late, Test).WaitAsync(TimeSpan.FromSeconds(5), Test));
        FluentActions.Invoking(() => late.Rows.Memory).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public async Task A_lane_that_stops_fails_what_waits()
    {
        var received = new TaskCompletionSource();
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(new DelegateHandler(_ =>
        {
            received.TrySetResult();
            return new TaskCompletionSource<DispatchResult>().Task;
        }));
        var pending = a.Lane.DispatchAsync(b.Self, Frame(1, 4, seed: 1).Frame, Test);
        await received.Task.WaitAsync(Patience, Test);
        a.System.Stop(a.Actor);
        await Assert.ThrowsAsync<NodeUnreachableException>(() => pending.WaitAsync(Patience, Test));
    }

    [Fact]
    public async Task A_call_that_nobody_answers_ends_with_its_deadline()
    {
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(new DelegateHandler(_ => new TaskCompletionSource<DispatchResult>().Task));
        var call = a.Lane.DispatchAsync(b.Self, Frame(1, 4, seed: 1, TimeSpan.FromMilliseconds(100)).Frame, Test);
        var error = await Assert.ThrowsAsync<TimeoutException>(() => call.WaitAsync(Patience, Test));
        error.Message.Should().Contain(b.Self.HostPort);
    }

    [Fact]
    public async Task A_caller_that_gives_up_gets_its_thread_of_control_back()
    {
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(new DelegateHandler(_ => new TaskCompletionSource<DispatchResult>().Task));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Test);
        var call = a.Lane.DispatchAsync(b.Self, Frame(1, 4, seed: 1).Frame, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Patience, Test));
    }

    [Fact]
    public async Task A_frame_beyond_the_limit_is_refused_before_it_is_sent_naming_the_option()
    {
        await using var a = new LaneNode(DelegateHandler.Echo, new LaneOptions { MaxFrameBytes = 64 * 1024 });
        await using var b = new LaneNode(DelegateHandler.Echo);
        var call = a.Lane.DispatchAsync(b.Self, Frame(64, 1024, seed: 1).Frame, Test);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => call.WaitAsync(Patience, Test));
        error.Message.Should().ContainAll("ExpertCluster:Lane:MaxFrameBytes", "65,536");
    }

    [Fact]
    public async Task Malformed_chunks_are_dropped_and_the_lane_goes_on()
    {
        var gate = new TaskCompletionSource();
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(
            new DelegateHandler(async frame =>
            {
                await gate.Task;
                return await DelegateHandler.Echo.HandleAsync(frame);
            }),
            new LaneOptions { MaxFrameBytes = 1 << 20, MaxAssemblyBytes = 2 << 20 });
        var (frame, sent) = Frame(50, 1024, seed: 1);
        var pending = a.Lane.DispatchAsync(b.Self, frame, Test);

        var garbage = new byte[2000];
        new Random(5).NextBytes(garbage);
        TensorChunk[] dropped =
        [
            new(900, false, garbage.Length, 0, garbage),
            new(901, false, 4, 0, new byte[] { 255, 255, 255, 127 }),
            new(902, false, 0, 0, Array.Empty<byte>()),
            new(903, false, 10, 5, new byte[5]),
            new(904, false, -1, 0, garbage),
            new(905, false, int.MaxValue, 0, garbage),
            new(906, false, 1000, 0, garbage),
            new(907, false, 1 << 20, -5, garbage),
        ];
        foreach (var chunk in dropped)
        {
            a.Remote(b).Tell(chunk, a.Actor);
        }

        // A gap: the second chunk of three is missing.
        a.Remote(b).Tell(new TensorChunk(910, false, 6000, 0, garbage), a.Actor);
        a.Remote(b).Tell(new TensorChunk(910, false, 6000, 4000, garbage), a.Actor);

        // Answers to what was never asked are nobody's, whatever they hold.
        a.Remote(b).Tell(new TensorChunk(911, true, garbage.Length, 0, garbage), a.Actor);
        await EventuallyAsync(() => b.Log.Entries.Count >= dropped.Length + 1);

        gate.SetResult();
        using var result = await pending.WaitAsync(Patience, Test);
        Bits(result.Rows).SequenceEqual(sent).Should().BeTrue();
        b.Log.Entries.Should().HaveCount(dropped.Length + 1).And.OnlyContain(e => e.Id.Id == 2001 || e.Id.Id == 2002);
    }

    [Fact]
    public async Task A_malformed_answer_fails_its_call_and_no_other()
    {
        var received = new TaskCompletionSource();
        await using var a = new LaneNode(DelegateHandler.Echo);
        await using var b = new LaneNode(new DelegateHandler(frame =>
        {
            if (frame.Segments[0].Rows > 1)
            {
                return DelegateHandler.Echo.HandleAsync(frame);
            }

            received.TrySetResult();
            return new TaskCompletionSource<DispatchResult>().Task;
        }));
        var call = a.Lane.DispatchAsync(b.Self, Frame(1, 4, seed: 1).Frame, Test);
        await received.Task.WaitAsync(Patience, Test);
        b.Remote(a).Tell(new TensorChunk(1, true, 3, 0, new byte[3]), b.Actor);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => call.WaitAsync(Patience, Test));
        error.Message.Should().Contain(b.Self.HostPort);
        using var result = await a.Lane.DispatchAsync(b.Self, Frame(2, 4, seed: 2).Frame, Test).WaitAsync(Patience, Test);
        result.Segments.Should().ContainSingle();
    }

    private static (DispatchFrame Frame, int[] Bits) Frame(int rows, int hidden, int seed, TimeSpan? remaining = null)
    {
        var buffer = RowBuffer.Rent(rows, hidden);
        new Random(seed).NextBytes(MemoryMarshal.AsBytes(buffer.Memory.Span));
        var frame = new DispatchFrame("m", 0, 1, remaining ?? Patience, hidden, [new DispatchSegment(default, rows)], buffer);
        return (frame, Bits(buffer));
    }

    private static int[] Bits(RowBuffer rows) => MemoryMarshal.Cast<float, int>(rows.Memory.Span).ToArray();

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Test);
        timeout.CancelAfter(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!condition())
        {
            await timer.WaitForNextTickAsync(timeout.Token);
        }
    }
}
