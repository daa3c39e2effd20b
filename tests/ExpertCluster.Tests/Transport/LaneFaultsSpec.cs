using System.Collections.Concurrent;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

/// <summary>A cut that a drill makes is as good as a real one.</summary>
public sealed class LaneFaultsSpec : IDisposable
{
    private static readonly LaneLimits Quick = new()
    {
        HandshakeTimeout = TimeSpan.FromMilliseconds(200),
        HeartbeatInterval = TimeSpan.FromMilliseconds(100),
        SilenceTimeout = TimeSpan.FromSeconds(1),
    };

    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known = new();
    private readonly Switch _switch = new();
    private readonly List<LaneNode> _nodes = [];

    public void Dispose() => _nodes.ForEach(node => node.Dispose());

    [Fact]
    public async Task While_it_is_cut_nothing_is_answered_and_afterwards_everything()
    {
        var (a, b) = (Node(), Node());
        await a.EchoAsync(b, 3, 5, seed: 1);
        _switch.On = true;
        var call = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 1, 1).Frame, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await LaneNode.EventuallyAsync(() => a.Lane.Links.Outgoing == 0, "the silent link ended");
        _switch.On = false;
        await a.EchoWhenBackAsync(b, seed: 2);
    }

    private LaneNode Node()
    {
        var node = new LaneNode(_known, limits: Quick, faults: _switch);
        _nodes.Add(node);
        return node;
    }

    private sealed class Switch : ILaneFaults
    {
        public volatile bool On;

        public bool IsBlocked(NodeId node) => On;
    }
}
