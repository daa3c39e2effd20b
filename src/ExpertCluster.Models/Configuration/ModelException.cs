namespace ExpertCluster.Models;

/// <summary>A model's configuration is missing, malformed or asks for something this program does not do. The message is one line.</summary>
public sealed class ModelException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">File or folder at fault.</param>
    /// <param name="key">Configuration key at fault, when it is about one.</param>
    /// <param name="message">What is wrong and, where it helps, what to do.</param>
    public ModelException(string file, string? key, string message)
        : base(key is null ? $"{file}: {message}" : $"{file}: '{key}' {message}")
    {
        File = file;
        Key = key;
    }

    /// <summary>File or folder at fault.</summary>
    public string File { get; }

    /// <summary>Configuration key at fault, when it is about one.</summary>
    public string? Key { get; }
}
