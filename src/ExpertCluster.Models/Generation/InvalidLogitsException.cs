namespace ExpertCluster.Models.Generation;

/// <summary>The model gave logits no token can be chosen from; the weights or the computation are broken.</summary>
/// <param name="message">Which logit, and at which position of the sequence.</param>
public sealed class InvalidLogitsException(string message) : Exception(message);
