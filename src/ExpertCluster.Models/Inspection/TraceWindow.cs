namespace ExpertCluster.Models.Inspection;

/// <summary>A stretch of consecutive tokens that were routed with each other, and nothing else, in sight.</summary>
/// <param name="File">Index of the text it is from.</param>
/// <param name="Start">Index of its first token in the trace.</param>
/// <param name="Length">Its tokens, at least 1.</param>
public readonly record struct TraceWindow(int File, int Start, int Length);
