namespace ExpertCluster.Cli.Planning.Replay;

/// <summary>A recorded router trace.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Layers">Numbers of the layers with experts.</param>
/// <param name="Experts">Experts per layer.</param>
/// <param name="ExpertBytes">Bytes of one expert's weights.</param>
/// <param name="Lines">What was recorded, in the order of the file.</param>
/// <param name="Warning">What was amiss and could be read past, or null.</param>
internal sealed record RouterTrace(
    string Model, IReadOnlyList<int> Layers, int Experts, long ExpertBytes, IReadOnlyList<TraceLine> Lines, string? Warning);
