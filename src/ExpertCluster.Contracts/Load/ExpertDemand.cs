namespace ExpertCluster.Contracts;

/// <summary>Rows that an expert answered, whichever copy of it, counted by who asked.</summary>
/// <param name="Layer">Zero-based model layer.</param>
/// <param name="Expert">Zero-based expert of that layer.</param>
/// <param name="Prefill">Rows of prompts, sources and forward passes.</param>
/// <param name="Decode">Rows of generated tokens.</param>
public readonly record struct ExpertDemand(int Layer, int Expert, long Prefill, long Decode);
