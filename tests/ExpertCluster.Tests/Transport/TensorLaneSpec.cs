using System.Collections.Concurrent;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

public sealed class TensorLaneSpec : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known = new();
    private readonly List<LaneNode> _nodes = [];

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static DelegateHandler Silent => new(_ => new TaskCompletionSource<DispatchResult>().Task);

    public void Dispose() => _nodes.ForEach(node => node.Dispose());

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 700)]
    [InlineData(4, 4096)]
    [InlineData(1280, 1024)]
    [InlineData(9000, 1024)]
    public async Task A_frame_of_any_size_comes_back_bit_for_bit(int rows, int hidden)
    {
        var (a, b) = (Node(), Node());
        await a.EchoAsync(b, rows, hidden, seed: rows);
        await b.EchoAsync(a, rows, hidden, seed: hidden);
    }

    [Fact]
    public async Task A_frame_without_rows_and_one_with_thousands_of_segments_travel_too()
    {
        var (a, b) = (Node(), Node());
        var rows = RowBuffer.Rent(6000, 2);
        rows.Memory.Span.Fill(1.5f);
        var many = new DispatchFrame(
            "a model with a name that is rather long", 3, 9, TimeSpan.FromMinutes(1), 2, [.. Enumerable.Range(0, 6000).Select(i => new DispatchSegment(new ReplicaId(3, i, i), 1))], rows);
        using var result = await a.Lane.DispatchAsync(b.Self, many, Test).WaitAsync(Patience, Test);
        result.Segments.Should().HaveCount(6000);
        result.Rows.Memory.ToArray().Should().OnlyContain(v => v == 1.5f);
        var none = new DispatchFrame("m", 0, 1, TimeSpan.FromMinutes(1), 4, [], RowBuffer.Rent(0, 4));
        using var empty = await a.Lane.DispatchAsync(b.Self, none, Test).WaitAsync(Patience, Test);
        empty.Segments.Should().BeEmpty();
    }

    [Fact]
    public async Task Frames_of_all_sizes_travel_both_ways_at_once()
    {
        var (a, b) = (Node(), Node());
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            (i % 2 == 0 ? a : b).EchoAsync(i % 2 == 0 ? b : a, 1 + (i * 37 % 900), i % 3 == 0 ? 3 : 512, seed: i)));
        a.Lane.InFlight.Should().Be((0, 0));
        b.Lane.InFlight.Should().Be((0, 0));
        a.Lane.Links.Should().Be((1, 1), "one link for each direction, whatever it carries");
    }

    [Fact]
    public async Task A_small_frame_is_not_stuck_behind_a_large_one()
    {
        var order = new ConcurrentQueue<int>();
        var a = Node();
        var b = Node(new DelegateHandler(frame =>
        {
            order.Enqueue(frame.Segments[0].Rows);
            return DelegateHandler.Echo.HandleAsync(frame);
        }));
        await a.EchoAsync(b, 1, 1, seed: 0);
        order.Clear();
        var large = a.EchoAsync(b, 30_000, 1024, seed: 1);
        await a.EchoAsync(b, 2, 4, seed: 2);
        large.IsCompleted.Should().BeFalse("120 MB are still under way");
        await large;
        order.Should().Equal(2, 30_000);
    }

    [Fact]
    public async Task A_frame_for_this_node_or_this_process_needs_no_wire()
    {
        DispatchFrame? seen = null;
        var a = Node(inProcess: true);
        var b = Node(new DelegateHandler(frame =>
        {
            seen = frame;
            return DelegateHandler.Echo.HandleAsync(frame);
        }), inProcess: true);
        var (frame, _) = LaneNode.Frame(2, 4, seed: 1);
        (await a.Lane.DispatchAsync(b.Self, frame, Test)).Dispose();
        seen.Should().BeSameAs(frame);
        FluentActions.Invoking(() => frame.Rows.Memory).Should().Throw<ObjectDisposedException>("the lane owns the frames it is given");
        await b.EchoAsync(b, 3, 3, seed: 2);
        a.Lane.Links.Should().Be((0, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_stops_fails_its_pending_calls_at_once_and_new_ones_too(bool inProcess)
    {
        var received = new SemaphoreSlim(0);
        var a = Node(inProcess: inProcess);
        var b = Node(new DelegateHandler(_ =>
        {
            received.Release();
            return new TaskCompletionSource<DispatchResult>().Task;
        }), inProcess: inProcess);
        Task<DispatchResult>[] pending = [.. Enumerable.Range(0, 2).Select(i => a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 4, i).Frame, Test))];
        await received.WaitAsync(Patience, Test);
        await received.WaitAsync(Patience, Test);
        b.Lane.Dispose();
        foreach (var call in pending)
        {
            (await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(TimeSpan.FromSeconds(5), Test))).Node.Should().Be(b.Self);
        }

        var (late, _) = LaneNode.Frame(1, 4, seed: 3);
        await Assert.ThrowsAsync<NodeUnreachableException>(() => a.Lane.DispatchAsync(b.Self, late, Test).WaitAsync(Patience, Test));
        FluentActions.Invoking(() => late.Rows.Memory).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public async Task A_lane_that_stops_fails_what_it_waits_for()
    {
        var (a, b) = (Node(), Node(Silent));
        var pending = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 4, 1).Frame, Test);
        await LaneNode.EventuallyAsync(() => b.Lane.InFlight.Received == 1, "the frame arrived");
        a.Lane.Dispose();
        await Assert.ThrowsAsync<NodeUnreachableException>(() => pending.WaitAsync(Patience, Test));
        await LaneNode.EventuallyAsync(() => b.Lane.Links.Incoming == 0, "the other end noticed");
        b.Log.Entries.Should().Contain(e => e.Message.Contains("this node is shutting down"));
    }

    [Fact]
    public async Task A_node_that_comes_back_at_its_place_is_found_again()
    {
        var a = Node();
        var first = Node();
        await a.EchoAsync(first, 2, 4, seed: 1);
        var port = first.Endpoint.Port;
        first.Dispose();
        await LaneNode.EventuallyAsync(() => a.Lane.Links.Outgoing == 0, "the link is down");
        using var again = new LaneNode(_known, port: port, self: first.Self);
        await a.EchoWhenBackAsync(again, seed: 2);
    }

    [Fact]
    public async Task Nobody_there_fails_within_the_time_of_a_handshake_and_says_who()
    {
        var a = Node(limits: new LaneLimits { HandshakeTimeout = TimeSpan.FromMilliseconds(500) });
        var nowhere = new NodeId("akka.tcp://test@127.0.0.1:9", 9);
        var call = a.Lane.DispatchAsync(nowhere, LaneNode.Frame(1, 1, 1).Frame, Test);
        (await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(Patience, Test))).Message.Should().Contain("has not said yet where");
        var refusing = new NodeId("akka.tcp://test@127.0.0.1:8", 8);
        _known[refusing] = new LaneEndpoint("127.0.0.1", 1);
        call = a.Lane.DispatchAsync(refusing, LaneNode.Frame(1, 1, 1).Frame, Test);
        (await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(Patience, Test))).Message.Should().Contain("127.0.0.1:8");
    }

    [Fact]
    public async Task A_call_that_nobody_answers_ends_with_its_deadline_and_its_late_answer_is_nobody_s()
    {
        var answer = new TaskCompletionSource();
        var a = Node();
        var b = Node(new DelegateHandler(async frame =>
        {
            if (frame.Segments[0].Rows == 1)
            {
                await answer.Task;
            }

            return await DelegateHandler.Echo.HandleAsync(frame);
        }));
        var call = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 4000, 1, TimeSpan.FromMilliseconds(100)).Frame, Test);
        (await Assert.ThrowsAsync<TimeoutException>(() => call.WaitAsync(Patience, Test))).Message.Should().Contain(b.Self.HostPort);
        answer.SetResult();
        await a.EchoAsync(b, 2, 4, seed: 2);
        a.Lane.Links.Outgoing.Should().Be(1, "a late answer does no harm");
    }

    [Fact]
    public async Task A_caller_that_gives_up_is_let_go()
    {
        var (a, b) = (Node(), Node(Silent));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Test);
        var call = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 4, 1).Frame, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Patience, Test));
    }

    [Fact]
    public async Task What_is_too_large_or_too_much_is_refused_before_it_is_sent()
    {
        var limits = new LaneLimits { MaxFrameBytes = 64 * 1024, MaxFramesInFlight = 3 };
        var (a, b) = (Node(limits: limits), Node(Silent, limits));
        var large = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(64, 1024, 1).Frame, Test);
        (await Assert.ThrowsAsync<InvalidOperationException>(() => large)).Message.Should().ContainAll("ExpertCluster:Lane:MaxFrameBytes", "65,536");
        for (var i = 0; i < 3; i++)
        {
            _ = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 4, i).Frame, Test);
        }

        await Assert.ThrowsAsync<LaneFullException>(() => a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 4, 9).Frame, Test));
        a.Lane.InFlight.Sent.Should().Be(3);
    }

    [Fact]
    public async Task Membership_s_word_ends_the_wait_and_its_return_lets_frames_through()
    {
        var (a, b) = (Node(), Node());
        await a.EchoAsync(b, 1, 1, seed: 1);
        a.Lane.SetUnreachable(b.Self, "it does not answer heartbeats");
        (await Assert.ThrowsAsync<NodeUnreachableException>(() => a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 1, 1).Frame, Test)))
            .Message.Should().Contain("heartbeats");
        a.Lane.SetReachable(b.Self);
        await a.EchoAsync(b, 1, 1, seed: 2);
        a.Lane.Forget(b.Self, "it left the cluster");
        await LaneNode.EventuallyAsync(() => b.Lane.Links.Incoming == 0, "the link is closed");
    }

    private LaneNode Node(IDispatchHandler? handler = null, LaneLimits? limits = null, bool inProcess = false)
    {
        var node = new LaneNode(_known, handler, limits, inProcess: inProcess);
        _nodes.Add(node);
        return node;
    }
}
