namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>A checkpoint file is missing, malformed, or not what the model needs. The message is one line naming file and tensor.</summary>
public sealed class CheckpointException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">File or folder at fault.</param>
    /// <param name="tensor">Tensor at fault, when it is about one.</param>
    /// <param name="message">What is wrong and, where it helps, what to do.</param>
    /// <param name="inner">The failure underneath, if any.</param>
    public CheckpointException(string file, string? tensor, string message, Exception? inner = null)
        : base(tensor is null ? $"{file}: {message}" : $"{file}: tensor '{Printable(tensor)}': {message}", inner)
    {
        File = file;
        Tensor = tensor;
    }

    /// <summary>File or folder at fault.</summary>
    public string File { get; }

    /// <summary>Tensor at fault, when it is about one.</summary>
    public string? Tensor { get; }

    // Names come from files: one line, of bounded length, whatever they hold.
    private static string Printable(string name)
    {
        string start = name.Length > 200 ? name[..200] + "…" : name;
        return string.Create(start.Length, start, static (span, text) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(text[i]) ? '?' : text[i];
            }
        });
    }
}
