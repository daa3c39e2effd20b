namespace ExpertCluster.Contracts;

/// <summary>Marks what may cross the wire between nodes. Every implementation is known to <see cref="MessageCodec"/> by a manifest.</summary>
public interface IClusterMessage;
