namespace ExpertCluster.Client;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model produced an end token, or a stop text appeared.</summary>
    Stop,

    /// <summary>The limit on new tokens, or the model's context, was reached.</summary>
    Length,
}
