namespace ExpertCluster.Tests.Moe;

/// <summary>Activations in float64, by the names that configs give them.</summary>
internal static class NaiveActivation
{
    public static double Of(string name, double x) => name switch
    {
        "relu" => x > 0 ? x : 0,
        "gelu" => x * (1 + Erf(x / Math.Sqrt(2))) / 2,
        "gelu_new" or "gelu_pytorch_tanh" => x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))) / 2,
        "silu" or "swish" => x / (1 + Math.Exp(-x)),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "unknown"),
    };

    /// <summary>2/√π · Σ (−1)ⁿ x²ⁿ⁺¹ / (n!·(2n+1)) near 0, a continued fraction of its complement far off.</summary>
    private static double Erf(double x)
    {
        double size = Math.Abs(x);
        if (size > 3)
        {
            double fraction = size;
            for (int n = 60; n > 0; n--)
            {
                fraction = size + (n / 2.0 / fraction);
            }

            return Math.Sign(x) * (1 - (Math.Exp(-size * size) / Math.Sqrt(Math.PI) / fraction));
        }

        double power = x, sum = x;
        for (int n = 1; n < 80; n++)
        {
            power *= -x * x / n;
            sum += power / ((2 * n) + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
