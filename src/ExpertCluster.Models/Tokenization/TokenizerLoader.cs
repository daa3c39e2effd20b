using ExpertCluster.Models.Tokenization.ByteLevel;
using ExpertCluster.Models.Tokenization.SentencePiece;

namespace ExpertCluster.Models.Tokenization;

/// <summary>Opens the tokenizer of a checkpoint directory as model hubs publish it.</summary>
public static class TokenizerLoader
{
    /// <summary>Name of the file a byte-level BPE tokenizer comes in.</summary>
    public const string JsonFile = "tokenizer.json";

    /// <summary>Name of the file a SentencePiece tokenizer comes in.</summary>
    public const string SentencePieceFile = "tokenizer.model";

    private const long MaxFileBytes = 256L << 20;

    private const string Supported =
        "supported are tokenizer.json with a byte-level BPE model and tokenizer.model of SentencePiece (BPE or Unigram)";

    /// <summary>
    /// Opens <c>tokenizer.json</c> when it holds byte-level BPE, else <c>tokenizer.model</c>.
    /// </summary>
    /// <param name="directory">The checkpoint directory.</param>
    /// <exception cref="TokenizerException">There is no tokenizer file, none of a supported kind, or the one there is malformed.</exception>
    public static ITextTokenizer Open(string directory) => TryOpen(directory) ?? throw new TokenizerException(
        directory, "", $"has neither {JsonFile} nor {SentencePieceFile}; {Supported}. Add one, or drive the model by token ids.");

    /// <summary>As <see cref="Open"/>, but gives null when the directory has no tokenizer file at all.</summary>
    /// <exception cref="TokenizerException">No tokenizer file is of a supported kind, or the one that is is malformed.</exception>
    public static ITextTokenizer? TryOpen(string directory)
    {
        var json = Path.Combine(directory, JsonFile);
        var model = Path.Combine(directory, SentencePieceFile);
        bool hasModel = File.Exists(model);
        if (File.Exists(json))
        {
            try
            {
                return ParseJson(ReadBounded(json), json);
            }
            catch (TokenizerException other) when (other.IsOtherKind && hasModel)
            {
                // Llama- and Mixtral-style directories carry both; the SentencePiece file says the same and is the one we run.
            }
            catch (TokenizerException other) when (other.IsOtherKind)
            {
                throw new TokenizerException(
                    json, other.Key, $"{other.Problem} The directory has no {SentencePieceFile} either; {Supported}.", other);
            }
        }

        return hasModel ? ParseSentencePiece(ReadBounded(model), model) : null;
    }

    /// <summary>Reads a byte-level BPE <c>tokenizer.json</c> from memory.</summary>
    /// <param name="utf8">The file's bytes, kept as long as the tokenizer.</param>
    /// <param name="file">Name for error messages.</param>
    /// <exception cref="TokenizerException">Malformed, or something in it is not supported.</exception>
    public static ITextTokenizer ParseJson(ReadOnlyMemory<byte> utf8, string file) =>
        // The JSON reader does not look into strings, and two damaged tokens would both read as U+FFFD.
        System.Text.Unicode.Utf8.IsValid(utf8.Span)
            ? ByteLevelBpeFile.Parse(utf8, file)
            : throw new TokenizerException(file, "", "is not valid UTF-8.");

    /// <summary>Reads a SentencePiece <c>tokenizer.model</c> from memory.</summary>
    /// <param name="model">The file's bytes.</param>
    /// <param name="file">Name for error messages.</param>
    /// <exception cref="TokenizerException">Malformed, or something in it is not supported.</exception>
    public static ITextTokenizer ParseSentencePiece(ReadOnlyMemory<byte> model, string file) =>
        new SentencePieceTextTokenizer(SentencePieceModel.Parse(model, file));

    private static byte[] ReadBounded(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > MaxFileBytes)
                throw new TokenizerException(path, "", $"is {length} bytes long; a tokenizer file has at most {MaxFileBytes}.");
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException(path, "", $"cannot be read: {error.Message}", error);
        }
    }
}
