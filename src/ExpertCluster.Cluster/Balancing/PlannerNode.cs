using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>A node while a plan is made: what it holds and what it still takes.</summary>
internal sealed class PlannerNode(PlanNode node, PlanRequest request)
{
    private readonly Dictionary<int, int> _perLayer = [];
    private readonly Dictionary<int, int> _perGroup = [];
    private readonly HashSet<(int Layer, int Expert)> _held = [];
    private int _total = node.Held;

    public NodeId Id { get; } = node.Node;

    public long FreeBytes { get; private set; } = node.FreeBytes;

    public bool Holds((int Layer, int Expert) expert) => _held.Contains(expert);

    /// <summary>Whether nothing but memory may keep an expert from here.</summary>
    public bool Admits((int Layer, int Expert) expert) =>
        !Holds(expert) && !request.Excluded.Contains((expert.Layer, expert.Expert, Id));

    /// <summary>Notes a replica that is here already.</summary>
    public void Hold((int Layer, int Expert) expert, int? group)
    {
        _held.Add(expert);
        _perLayer[expert.Layer] = _perLayer.GetValueOrDefault(expert.Layer) + 1;
        if (group is { } index)
        {
            _perGroup[index] = _perGroup.GetValueOrDefault(index) + 1;
        }
    }

    /// <summary>Takes a new replica.</summary>
    public void Take((int Layer, int Expert) expert, int? group)
    {
        Hold(expert, group);
        FreeBytes -= request.ExpertBytes;
        _total++;
    }

    /// <summary>What would follow from giving this node as much of some experts as it takes, in their order.</summary>
    /// <param name="experts">Different experts, all of one group if of any.</param>
    /// <param name="group">The group; null for none.</param>
    public PlanOffer Offer(IReadOnlyList<(int Layer, int Expert)> experts, int? group)
    {
        var (takes, inLayers, free) = (0, 0L, FreeBytes);
        foreach (var expert in experts)
        {
            if (free >= request.ExpertBytes && Admits(expert))
            {
                takes++;
                inLayers += _perLayer.GetValueOrDefault(expert.Layer) + 1;
                free -= request.ExpertBytes;
            }
        }

        return new PlanOffer(
            takes, group is { } index ? _perGroup.GetValueOrDefault(index) : 0, inLayers / node.Weight, (_total + takes) / node.Weight);
    }
}
