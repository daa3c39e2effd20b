namespace ExpertCluster.Moe.Losses;

/// <summary>Which variance a squared coefficient of variation is made of.</summary>
public enum ImportanceVariance
{
    /// <summary>Over E (V-MoE).</summary>
    Population,

    /// <summary>Over E, with 1e-10 added to the squared mean (tensor2tensor).</summary>
    PopulationWithEpsilon,

    /// <summary>Over E − 1, with 1e-10 added to the squared mean; 0 for one expert (FastMoE, Tutel).</summary>
    Unbiased,
}
