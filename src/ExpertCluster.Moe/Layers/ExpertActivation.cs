namespace ExpertCluster.Moe.Layers;

/// <summary>What lies between an expert's two products.</summary>
public enum ExpertActivation
{
    /// <summary>max(x, 0): Switch, GShard, Shazeer.</summary>
    Relu,

    /// <summary>GELU: V-MoE.</summary>
    Gelu,

    /// <summary>silu(x₁)·x₃: Mixtral, DeepSeek.</summary>
    SwiGlu,

    /// <summary>gelu(x₁)·x₃: GLaM's dense layers, ST-MoE.</summary>
    GeGlu,
}
