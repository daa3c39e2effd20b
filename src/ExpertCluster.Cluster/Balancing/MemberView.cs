using System.Collections.Immutable;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>The cluster as the balancer's node sees it.</summary>
/// <param name="Nodes">Members that are up and have described themselves.</param>
/// <param name="Unreachable">How many members do not answer and are not given up yet.</param>
/// <param name="HasMajority">Whether more than half of the members are reachable: without that, another balancer may have taken over.</param>
internal sealed record MemberView(ImmutableDictionary<NodeId, NodeDescription> Nodes, int Unreachable, bool HasMajority)
{
    public static MemberView Empty { get; } = new(ImmutableDictionary<NodeId, NodeDescription>.Empty, 0, true);
}
