namespace ExpertCluster.Cluster.Tests;

/// <summary>Checkpoints beside the test assembly.</summary>
internal static class TestModels
{
    public static string Folio => Path.Combine(AppContext.BaseDirectory, "config", "models", "folio-moe");

    public static string FolioSkewed => Path.Combine(AppContext.BaseDirectory, "config", "models", "folio-moe-skewed");

    public static string SwitchTiny => Path.Combine(AppContext.BaseDirectory, "Goldens", "switch-tiny");

    public static string MixtralTiny => Path.Combine(AppContext.BaseDirectory, "Goldens", "mixtral-tiny");
}
