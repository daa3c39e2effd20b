using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Clusters;

/// <summary>Finds a checkpoint: a directory, or the name of a model that comes with the program.</summary>
internal static class ModelDirectory
{
    /// <summary>The model of the main job.</summary>
    public const string Default = "folio-moe";

    public static string Find(string pathOrName)
    {
        if (Directory.Exists(pathOrName))
        {
            return Path.GetFullPath(pathOrName);
        }

        var shipped = Path.Combine(AppContext.BaseDirectory, "config", "models");
        var named = Path.Combine(shipped, pathOrName);
        if (pathOrName.IndexOfAny([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar]) < 0 && Directory.Exists(named))
        {
            return named;
        }

        var names = Directory.Exists(shipped) ? Directory.GetDirectories(shipped).Select(Path.GetFileName).Order().ToArray() : [];
        throw new UsageException($"'{pathOrName}' is no directory"
            + (names.Length > 0 ? $", nor one of the models that come along ({string.Join(", ", names)})." : "."));
    }
}
