namespace ExpertCluster.Cli.Planning.Replay;

/// <summary>Rows that a router sent to the experts of a layer since its line before.</summary>
/// <param name="Time">Seconds since the recording began.</param>
/// <param name="Layer">Index in <see cref="RouterTrace.Layers"/>.</param>
/// <param name="Rows">Rows per expert, prefill and decode together, [E].</param>
internal sealed record TraceLine(double Time, int Layer, double[] Rows);
