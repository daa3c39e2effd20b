using System.Collections.Concurrent;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

/// <summary>Nodes of two versions talk in the newest that both know.</summary>
public sealed class LaneVersionSpec : IDisposable
{
    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known = new();
    private readonly List<LaneNode> _nodes = [];

    public void Dispose() => _nodes.ForEach(node => node.Dispose());

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 2, 1)]
    [InlineData(2, 1, 1)]
    [InlineData(2, 2, 2)]
    public async Task The_two_ends_agree_on_the_newest_version_that_both_speak(int connector, int acceptor, int agreed)
    {
        var (a, b) = (Node(connector), Node(acceptor));
        await a.EchoAsync(b, 3, 5, seed: 1);
        a.Log.Entries.Should().Contain(e => e.Id.Id == 2001 && e.Message.Contains($"version {agreed})"));
    }

    [Fact]
    public async Task Whoever_speaks_none_of_this_nodes_versions_is_turned_away_and_told_both_ranges()
    {
        // A range that is empty stands for one that lies below.
        var (a, b) = (Node(0), Node(2));
        var call = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 1, 1).Frame, TestContext.Current.CancellationToken);
        (await Assert.ThrowsAsync<NodeUnreachableException>(() => call)).Message.Should().Contain("it speaks versions 1 to 0, this node 1 to 2");
        await LaneNode.EventuallyAsync(() => b.Log.Entries.Any(e => e.Id.Id == 2004), "the refusal is logged");
    }

    private LaneNode Node(int maxVersion)
    {
        var node = new LaneNode(_known, maxVersion: maxVersion);
        _nodes.Add(node);
        return node;
    }
}
