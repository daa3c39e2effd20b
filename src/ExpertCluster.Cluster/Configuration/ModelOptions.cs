namespace ExpertCluster.Cluster.Configuration;

/// <summary>A model to serve.</summary>
public sealed class ModelOptions
{
    /// <summary>The name clients use: letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, at most 64. By default the directory's name.</summary>
    public string? Name { get; set; }

    /// <summary>The checkpoint's directory, as the hub publishes it, on a path of this node.</summary>
    public string Path { get; set; } = "";

    /// <summary>
    /// Computes known defects of the implementation that wrote the checkpoint as that does. For comparison with its answers, as
    /// <c>verify</c> does; off by default, and to be left off for serving.
    /// </summary>
    public bool LikeReference { get; set; }

    /// <summary>The name in force.</summary>
    public string EffectiveName => Name ?? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(Path));

    internal void Validate(OptionsErrors errors, int index)
    {
        errors.NotEmpty($"Models:{index}:Path", Path);
        var name = EffectiveName;
        if (name.Length is 0 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            errors.Add($"Models:{index}:Name", name, "a name is 1 to 64 letters, digits, '-', '_' or '.'");
        }
    }
}
