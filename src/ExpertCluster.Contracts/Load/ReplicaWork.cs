namespace ExpertCluster.Contracts;

/// <summary>What one copy of an expert did.</summary>
/// <param name="Replica">The copy.</param>
/// <param name="Rows">Rows it computed.</param>
/// <param name="ComputeMicroseconds">The device's time that they took, in µs; of several experts computed together each has its part by rows.</param>
/// <param name="QueueMicroseconds">How long the rows waited for the device, summed over them, in µs.</param>
/// <param name="Bytes">Bytes of rows that came and answers that went.</param>
public readonly record struct ReplicaWork(ReplicaId Replica, long Rows, long ComputeMicroseconds, long QueueMicroseconds, long Bytes);
