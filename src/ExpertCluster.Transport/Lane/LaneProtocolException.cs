namespace ExpertCluster.Transport.Lane;

/// <summary>A peer broke the rules of the lane, or is no peer at all. The link to it ends, no other.</summary>
internal sealed class LaneProtocolException(string message) : Exception(message);
