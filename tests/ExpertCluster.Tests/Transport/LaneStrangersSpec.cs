using System.Collections.Concurrent;
using System.Net.Sockets;
using CsCheck;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Tests.Transport;

/// <summary>Whoever is no peer, or a bad one, is dropped alone.</summary>
public sealed class LaneStrangersSpec : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known = new();
    private readonly List<LaneNode> _nodes = [];

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public void Dispose() => _nodes.ForEach(node => node.Dispose());

    [Theory]
    [InlineData("other", "", "cluster 'other'")]
    [InlineData("test", "another secret, long enough", "does not know the secret")]
    public async Task A_node_of_another_cluster_or_without_the_secret_is_turned_away_and_logged(string cluster, string secret, string reason)
    {
        var b = Node(secret: secret == "" ? "" : "the right secret, long enough");
        var stranger = Node(cluster: cluster, secret: secret);
        var call = stranger.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 1, 1).Frame, Test);
        await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(Patience, Test));
        await LaneNode.EventuallyAsync(() => b.Log.Entries.Any(e => e.Id.Id == 2004), "somebody was turned away");
        var log = string.Join('\n', b.Log.Entries.Select(e => e.Message)) + string.Join('\n', stranger.Log.Entries.Select(e => e.Message));
        log.Should().Contain("127.0.0.1").And.NotContain("long enough", "secrets are not logged");
        (b.Log.Entries.Any(e => e.Message.Contains(reason)) || call.Exception!.ToString().Contains(reason)).Should().BeTrue();
        b.Lane.Links.Incoming.Should().Be(0);
    }

    [Fact]
    public async Task Nodes_with_the_same_secret_talk()
    {
        var (a, b) = (Node(secret: "the right secret, long enough"), Node(secret: "the right secret, long enough"));
        await a.EchoAsync(b, 3, 5, seed: 1);
    }

    [Fact]
    public async Task Whoever_looks_for_a_node_that_was_here_before_is_told_who_is_here_now()
    {
        var (a, b) = (Node(), Node());
        var before = b.Self with { Incarnation = b.Self.Incarnation + 1000 };
        _known[before] = b.Endpoint;
        var call = a.Lane.DispatchAsync(before, LaneNode.Frame(1, 1, 1).Frame, Test);
        (await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(Patience, Test))).Message.Should().Contain($"this node is {b.Self}");
    }

    [Fact]
    public async Task Garbage_half_greetings_and_silence_end_alone()
    {
        var b = Node(limits: new LaneLimits { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        var a = Node();
        await a.EchoAsync(b, 3, 5, seed: 1);
        List<Socket> strangers = [];
        var random = new Random(7);
        for (var i = 0; i < 40; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.Connect("127.0.0.1", b.Endpoint.Port);
            strangers.Add(socket);
            var garbage = new byte[random.Next(1, 300)];
            random.NextBytes(garbage);
            try
            {
                switch (i % 4)
                {
                    case 0:
                        socket.Send(garbage);
                        break;
                    case 1:
                        socket.Send("ExpertCluster lane\n"u8);
                        break;
                    case 2:
                        socket.Send([.. "ExpertCluster lane\n"u8, 16, 0, 0, 0, .. garbage]);
                        break;
                    default:
                        break;
                }
            }
            catch (SocketException)
            {
                // Turned away already.
            }
        }

        for (var seed = 2; seed < 12; seed++)
        {
            await a.EchoAsync(b, 30, 512, seed);
        }

        await LaneNode.EventuallyAsync(() => b.Log.Entries.Count(e => e.Id.Id == 2004) == 40, "all strangers were turned away");
        strangers.ForEach(s => s.Dispose());
        b.Lane.Links.Incoming.Should().Be(1);
    }

    [Fact]
    public async Task A_peer_that_sends_garbage_or_ends_half_way_loses_its_link_and_no_other_does()
    {
        var b = Node();
        var good = Node();
        await good.EchoAsync(b, 3, 5, seed: 1);
        var valid = new byte[PacketPrefix.Size];
        new PacketPrefix(PacketKind.Open, 0, 1, 100, 100).Write(valid, 1);
        var unknown = new byte[PacketPrefix.Size];
        new PacketPrefix((PacketKind)77, 0, 1, 0, 0).Write(unknown, 1);
        var more = new byte[PacketPrefix.Size];
        new PacketPrefix(PacketKind.More, 0, 5, 10, 5).Write(more, 1);
        var huge = new byte[PacketPrefix.Size];
        new PacketPrefix(PacketKind.Open, 10, 1, long.MaxValue / 2, 10).Write(huge, 1);
        Gen.OneOf(
            Gen.Byte.Array[1, 200], Gen.Const(valid), Gen.Const(unknown), Gen.Const(more), Gen.Const(huge), Gen.Const(valid[..20]),
            Gen.Byte.Array[1, 100].Select(bytes => (byte[])[.. valid, .. bytes])).Sample(
                bytes =>
                {
                    var (frames, answers) = Greet(b);
                    using (frames)
                    using (answers)
                    {
                        frames.Send(bytes);
                        frames.Shutdown(SocketShutdown.Send);

                        // The other end closes, perhaps after a heartbeat.
                        var buffer = new byte[256];
                        while (Received(answers, buffer) > 0)
                        {
                        }
                    }
                },
                iter: 60,
                threads: 1);
        await good.EchoAsync(b, 3, 5, seed: 2);
        await LaneNode.EventuallyAsync(() => b.Lane.Links.Incoming == 1, "only the good link is left");
        good.Log.Entries.Should().NotContain(e => e.Id.Id == 2002);
    }

    [Fact]
    public async Task A_peer_that_falls_silent_is_given_up()
    {
        var limits = new LaneLimits { HeartbeatInterval = TimeSpan.FromMilliseconds(100), SilenceTimeout = TimeSpan.FromSeconds(1) };
        var b = Node(limits: limits);
        var (frames, answers) = Greet(b);
        using (frames)
        using (answers)
        {
            await LaneNode.EventuallyAsync(() => b.Lane.Links.Incoming == 1, "the link is up");
            await LaneNode.EventuallyAsync(() => b.Lane.Links.Incoming == 0, "the link is given up");
            b.Log.Entries.Should().Contain(e => e.Message.Contains("silent"));
        }

        var (c, d) = (Node(limits: limits), Node(limits: limits));
        await c.EchoAsync(d, 1, 1, 1);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        for (var i = 0; i < 5; i++)
        {
            await timer.WaitForNextTickAsync(Test);
        }

        c.Lane.Links.Outgoing.Should().Be(1, "idle peers keep saying that they live");
        c.Log.Entries.Should().NotContain(e => e.Id.Id == 2002);
    }

    private static int Received(Socket socket, byte[] buffer)
    {
        try
        {
            return socket.Receive(buffer);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>A link made by hand, by somebody who knows the greeting.</summary>
    private static (Socket Frames, Socket Answers) Greet(LaneNode to)
    {
        var self = new LaneIdentity(new NodeId("akka.tcp://test@127.0.0.1:7", 7), "test", default) { MaxVersion = 1 };
        var link = Guid.NewGuid();
        return (Connect(true), Connect(false));

        Socket Connect(bool toAcceptor)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Patience.TotalMilliseconds };
            socket.Connect("127.0.0.1", to.Endpoint.Port);
            LaneHandshake.Connect(new SocketConnection(socket), self, to.Self, link, toAcceptor);
            return socket;
        }
    }

    private LaneNode Node(string cluster = "test", string secret = "", LaneLimits? limits = null)
    {
        var node = new LaneNode(_known, null, limits, cluster, secret);
        _nodes.Add(node);
        return node;
    }
}
