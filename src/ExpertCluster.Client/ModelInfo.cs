namespace ExpertCluster.Client;

/// <summary>A model that a cluster serves.</summary>
/// <param name="Name">The name to use in calls.</param>
/// <param name="Family">The checkpoint's <c>model_type</c>.</param>
/// <param name="Layers">Number of layers with experts.</param>
/// <param name="ExpertsPerLayer">Experts in each.</param>
/// <param name="ExpertsPerToken">Experts each token is sent to.</param>
/// <param name="HiddenSize">H.</param>
/// <param name="VocabularySize">V.</param>
/// <param name="MaxContext">The most tokens of prompt and answer together.</param>
/// <param name="ReadyExperts">Experts with at least one ready replica.</param>
/// <param name="EncoderDecoder">Whether an encoder reads the prompt and a decoder writes from a start of its own, instead of continuing it.</param>
public sealed record ModelInfo(
    string Name, string Family, int Layers, int ExpertsPerLayer, int ExpertsPerToken, int HiddenSize, int VocabularySize, int MaxContext,
    int ReadyExperts, bool EncoderDecoder = false);
