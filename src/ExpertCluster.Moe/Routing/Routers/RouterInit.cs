namespace ExpertCluster.Moe.Routing;

/// <summary>How a weight starts.</summary>
public enum RouterInit
{
    /// <summary>All zero: every expert is equally probable at first (Shazeer et al. 2017, appendix A).</summary>
    Zero,

    /// <summary>Normal with σ = 0.02 (flaxformer's routers).</summary>
    Normal,

    /// <summary>Normal cut off at 2σ, σ = √(0.1/fan-in) (Fedus et al. 2021, section 2.4: a tenth of the usual scale stabilises training).</summary>
    TruncatedNormal,
}
