namespace ExpertCluster.Moe;

/// <summary>An elementwise function between the products of a feed-forward network.</summary>
public enum Activation
{
    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>GELU, x·Φ(x), by the error function (Hendrycks and Gimpel 2016, arXiv:1606.08415).</summary>
    Gelu,

    /// <summary>GELU by that paper's approximation ½x·(1 + tanh(√(2/π)·(x + 0.044715x³))).</summary>
    GeluTanh,

    /// <summary>x·σ(x), also called swish.</summary>
    Silu,
}
