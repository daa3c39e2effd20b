using System.Collections.Concurrent;
using System.Net.Sockets;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

/// <summary>What a link holds is bounded, however its peer reads.</summary>
public sealed class LaneBoundsSpec : IDisposable
{
    private const int Mebi = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan AfterConnecting = TimeSpan.FromSeconds(3);

    // One write of a chunk fills every buffer of the system between two sockets: what comes behind it stays here.
    private static readonly LaneLimits Limits = new()
    {
        ChunkBytes = 16 * Mebi,
        MaxBytesInFlight = 65 * Mebi,
        MaxFramesInFlight = 8,
        SilenceTimeout = TimeSpan.FromMinutes(5),
    };

    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known = new();
    private readonly List<IDisposable> _owned = [];

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public void Dispose() => _owned.ForEach(item => item.Dispose());

    [Fact]
    public async Task A_frame_whose_call_expired_before_anything_of_it_was_sent_leaves_the_queue_and_frees_its_buffer()
    {
        var (a, peer) = await StuckAsync();
        DispatchFrame[] frames = [.. Enumerable.Range(0, 5).Select(i => LaneNode.Frame(1024, 1024, i, Soon).Frame)];
        foreach (var call in frames.Select(frame => a.Lane.DispatchAsync(HandMadePeer.Self, frame, Test)).ToArray())
        {
            await Assert.ThrowsAsync<TimeoutException>(() => call.WaitAsync(Patience, Test));
        }

        await LaneNode.EventuallyAsync(() => a.Lane.Held.Frames == 1, "only the frame that is half out is held");
        a.Lane.Held.Bytes.Should().BeInRange(40 * Mebi, (40 * Mebi) + 200);
        foreach (var frame in frames)
        {
            FluentActions.Invoking(() => frame.Rows.Memory).Should().Throw<ObjectDisposedException>();
        }

        a.Lane.LongestQueue.Bytes.Should().BeLessThanOrEqualTo(65 * Mebi);
        await Task.Run(() => HandMadePeer.Drain(peer.Frames, 1), Test).WaitAsync(Patience, Test);
        await LaneNode.EventuallyAsync(() => a.Lane.Held == (0, 0), "nothing is held once the peer has read");
    }

    [Fact]
    public async Task A_frame_that_is_half_out_counts_after_its_deadline_until_the_peer_has_taken_it()
    {
        var (a, peer) = await StuckAsync();
        await LaneNode.EventuallyAsync(() => a.Lane.InFlight.Sent == 0, "the call expired");
        var more = a.Lane.DispatchAsync(HandMadePeer.Self, LaneNode.Frame(5 * 1024, 1024, 2).Frame, Test);
        more.IsCompleted.Should().BeFalse("40 and 20 MiB are within the limit");
        var refused = a.Lane.DispatchAsync(HandMadePeer.Self, LaneNode.Frame(5 * 1024, 1024, 3).Frame, Test);
        (await Assert.ThrowsAsync<LaneFullException>(() => refused)).Message.Should().Contain("not sent");
        await Task.Run(() => HandMadePeer.Drain(peer.Frames, 2), Test).WaitAsync(Patience, Test);
        await LaneNode.EventuallyAsync(() => a.Lane.Held.Frames == 1, "what the peer has read counts no more");
        a.Lane.DispatchAsync(HandMadePeer.Self, LaneNode.Frame(5 * 1024, 1024, 3).Frame, Test).IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task Membership_s_word_empties_the_queue_but_for_what_is_half_out()
    {
        var (a, peer) = await StuckAsync(TimeSpan.FromMinutes(1));
        Task[] calls = [.. Enumerable.Range(0, 3).Select(i => a.Lane.DispatchAsync(HandMadePeer.Self, LaneNode.Frame(1024, 1024, i).Frame, Test))];
        a.Lane.Held.Frames.Should().Be(4);
        a.Lane.SetUnreachable(HandMadePeer.Self, "it does not answer heartbeats");
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(Patience, Test));
        }

        a.Lane.InFlight.Sent.Should().Be(0);
        a.Lane.Held.Frames.Should().Be(1);
        peer.Dispose();
        await LaneNode.EventuallyAsync(() => a.Lane.Held == (0, 0), "a link that ended holds nothing");
    }

    [Fact]
    public async Task Frames_that_expire_while_the_link_is_still_being_opened_are_not_kept()
    {
        var a = Node(Limits);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        _known[HandMadePeer.Self] = new LaneEndpoint("127.0.0.1", ((System.Net.IPEndPoint)listener.LocalEndPoint!).Port);
        var frame = LaneNode.Frame(1024, 1024, 1, Soon).Frame;
        var call = a.Lane.DispatchAsync(HandMadePeer.Self, frame, Test);
        await Assert.ThrowsAsync<TimeoutException>(() => call.WaitAsync(Patience, Test));
        FluentActions.Invoking(() => frame.Rows.Memory).Should().Throw<ObjectDisposedException>();
        a.Lane.Held.Should().Be((0, 0));
    }

    [Fact]
    public async Task A_peer_that_takes_no_answers_is_read_no_further_than_the_limits_and_goes_on_when_it_does()
    {
        const int Frames = 60;
        var b = Node(new LaneLimits { MaxBytesInFlight = 4 * Mebi, MaxFramesInFlight = 16, SilenceTimeout = TimeSpan.FromMinutes(5) });
        var peer = Own(HandMadePeer.Connect(b));
        var sent = 0;
        var sending = Task.Run(
            () =>
            {
                for (; sent < Frames; sent++)
                {
                    peer.Frames.Send(HandMadePeer.Packet((ulong)sent + 1, 256, 1024));
                }
            },
            Test);
        await LaneNode.EventuallyAsync(() => b.Lane.Held is { Frames: 3, Bytes: > 3 * Mebi } && b.Lane.InFlight.Received == 0, "answers wait here");
        sending.IsCompleted.Should().BeFalse("60 MiB are more than the system's buffers and the limit take");
        await Task.Run(() => HandMadePeer.Drain(peer.Answers, Frames), Test).WaitAsync(Patience, Test);
        await sending.WaitAsync(Patience, Test);
        await LaneNode.EventuallyAsync(() => b.Lane.Held == (0, 0), "everything is answered");
        b.Lane.LongestQueue.Bytes.Should().BeLessThanOrEqualTo(4 * Mebi);
    }

    [Fact]
    public async Task A_peer_that_says_it_lives_but_takes_no_answers_at_all_is_given_up()
    {
        var b = Node(new LaneLimits
        {
            HeartbeatInterval = TimeSpan.FromMilliseconds(100),
            SilenceTimeout = TimeSpan.FromSeconds(1),
            MaxBytesInFlight = 64 * Mebi,
        });
        var peer = Own(HandMadePeer.Connect(b));
        peer.Frames.Send(HandMadePeer.Packet(1, 10 * 1024, 1024));

        // Not before: a sign of life in the midst of a frame is none.
        using var beats = new Timer(
            _ =>
            {
                try
                {
                    peer.Beat();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // Given up.
                }
            },
            null, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        await LaneNode.EventuallyAsync(
            () => b.Log.Entries.Any(e => e.Id.Id == 2006 && e.Message.Contains("took no answers for 1 s")), "the link is given up");
        await LaneNode.EventuallyAsync(() => b.Lane.Links.Incoming == 0, "and gone");
    }

    /// <summary>A link on which a frame of 40 MiB is half out, to a peer that reads nothing.</summary>
    private async Task<(LaneNode Node, HandMadePeer Peer)> StuckAsync(TimeSpan? patience = null)
    {
        var a = Node(Limits);
        var (endpoint, accepted) = HandMadePeer.Listen();
        _known[HandMadePeer.Self] = endpoint;
        _ = a.Lane.DispatchAsync(HandMadePeer.Self, LaneNode.Frame(10 * 1024, 1024, 1, patience ?? AfterConnecting).Frame, Test);
        var peer = Own(await accepted.WaitAsync(Patience, Test));
        await LaneNode.EventuallyAsync(() => a.Lane.Links.Outgoing == 1 && peer.Frames.Available > 0, "the frame is on its way");
        return (a, peer);
    }

    private LaneNode Node(LaneLimits limits) => Own(new LaneNode(_known, null, limits));

    private T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }
}
