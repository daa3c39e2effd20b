namespace ExpertCluster.Cli.Planning.Replay;

/// <summary>The cluster and the habits a trace is replayed with.</summary>
/// <param name="Devices">Equal devices.</param>
/// <param name="SlotsPerLayer">Slots of each layer on each device; null is what the experts need and one more.</param>
/// <param name="Interval">Seconds of trace that are measured before each decision; null is a twentieth of the recording.</param>
/// <param name="Policies">Policies by name.</param>
/// <param name="MinGain">Gain below which the balanced policy stays.</param>
/// <param name="Confirm">Intervals in a row in which the balanced policy must want to move before it does.</param>
/// <param name="LinkBytesPerSecond">The link that weights come over.</param>
internal sealed record ReplaySettings(
    int Devices, int? SlotsPerLayer, double? Interval, IReadOnlyList<string> Policies, double MinGain, int Confirm, double LinkBytesPerSecond);
