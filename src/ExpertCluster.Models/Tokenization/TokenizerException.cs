namespace ExpertCluster.Models.Tokenization;

/// <summary>A tokenizer file that cannot be used: what is wrong, in which file, at which key, and what to do.</summary>
public sealed class TokenizerException : Exception
{
    /// <summary>Creates the error; its message reads "file: key: message".</summary>
    /// <param name="file">Path of the file (or directory) at fault.</param>
    /// <param name="key">Key inside the file, such as <c>model.merges[3]</c>; empty when the file as a whole is meant.</param>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="inner">The error underneath, if any.</param>
    public TokenizerException(string file, string key, string message, Exception? inner = null)
        : base(key.Length == 0 ? $"{file}: {message}" : $"{file}: {key}: {message}", inner)
    {
        File = file;
        Key = key;
        Problem = message;
    }

    /// <summary>Path of the file (or directory) at fault.</summary>
    public string File { get; }

    /// <summary>Key inside the file; empty when the file as a whole is meant.</summary>
    public string Key { get; }

    /// <summary>What is wrong, without file and key.</summary>
    public string Problem { get; }

    /// <summary>The file is sound but holds a kind of tokenizer this project does not run, so another file beside it may serve.</summary>
    public bool IsOtherKind { get; internal init; }

    /// <summary>Text from a file, quoted and cut so that a hostile file cannot fill the message.</summary>
    internal static string Quote(string text)
    {
        var cut = text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 40), "…");
        return "'" + cut + "'";
    }
}
