namespace ExpertCluster.Moe.Routing;

/// <summary>Who keeps the slot when an expert is full.</summary>
public enum OverflowPriority
{
    /// <summary>Every first choice before every second; within a choice the earlier token (mesh-TF, flaxformer, lingvo, DeepSpeed top-2, Tutel, NLLB).</summary>
    ChoiceMajor,

    /// <summary>Tokens in descending order of their largest gate, then as <see cref="ChoiceMajor"/> (V-MoE, flaxformer's option).</summary>
    BatchPriority,

    /// <summary>The earlier token with all of its choices (MegaBlocks).</summary>
    TokenMajor,

    /// <summary>The higher probability, whichever choice it is (mesh-TF "switch max").</summary>
    HighestProbability,

    /// <summary>Tokens in random order, then as <see cref="ChoiceMajor"/> (DeepSpeed's random token selection).</summary>
    Random,
}
