namespace ExpertCluster.Contracts;

/// <summary>How a node's device is.</summary>
/// <param name="Queued">Frames that wait for it.</param>
/// <param name="Busy">Part of the time since the last report in which it computed experts, 0 to 1.</param>
/// <param name="FreeBytes">Bytes of expert weights it has room for.</param>
public sealed record DeviceLoad(int Queued, double Busy, long FreeBytes);
