namespace ExpertCluster.Benchmarks;

/// <summary>The checkpoint that comes along.</summary>
internal static class Folio
{
    public static string Directory => Path.Combine(AppContext.BaseDirectory, "config", "models", "folio-moe");
}
