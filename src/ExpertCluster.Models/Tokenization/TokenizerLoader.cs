using ExpertCluster.Models.Tokenization.ByteLevel;
using ExpertCluster.Models.Tokenization.SentencePiece;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Models.Tokenization;

/// <summary>Opens the tokenizer of a checkpoint directory as model hubs publish it.</summary>
public static class TokenizerLoader
{
    /// <summary>Name of the file a byte-level BPE tokenizer comes in.</summary>
    public const string JsonFile = "tokenizer.json";

    /// <summary>Name of the file a SentencePiece tokenizer comes in.</summary>
    public const string SentencePieceFile = "tokenizer.model";

    /// <summary>Name that T5 and Switch Transformers give it; sentinels and an end token then go with it.</summary>
    public const string SentinelFile = "spiece.model";

    private const string ConfigFile = "tokenizer_config.json";

    private const long MaxFileBytes = 256L << 20;

    private const string Supported =
        "supported are tokenizer.json with a byte-level BPE model, and tokenizer.model or T5's spiece.model of SentencePiece (BPE or Unigram)";

    /// <summary>
    /// Opens <c>tokenizer.json</c> when it holds byte-level BPE, else <c>tokenizer.model</c> or <c>spiece.model</c>.
    /// </summary>
    /// <param name="directory">The checkpoint directory.</param>
    /// <exception cref="TokenizerException">There is no tokenizer file, none of a supported kind, or the one there is malformed.</exception>
    public static ITextTokenizer Open(string directory) => TryOpen(directory) ?? throw new TokenizerException(
        directory, "", $"has no {JsonFile}, {SentencePieceFile} or {SentinelFile}; {Supported}. Add one, or drive the model by token ids.");

    /// <summary>As <see cref="Open"/>, but gives null when the directory has no tokenizer file at all.</summary>
    /// <exception cref="TokenizerException">No tokenizer file is of a supported kind, or the one that is is malformed.</exception>
    public static ITextTokenizer? TryOpen(string directory)
    {
        var json = Path.Combine(directory, JsonFile);
        var model = new[] { SentencePieceFile, SentinelFile }.Select(name => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
        if (File.Exists(json))
        {
            try
            {
                return ParseJson(ReadBounded(json), json);
            }
            catch (TokenizerException other) when (other.IsOtherKind && model is not null)
            {
                // Llama- and Mixtral-style directories carry both; the SentencePiece file says the same and is the one we run.
            }
            catch (TokenizerException other) when (other.IsOtherKind)
            {
                throw new TokenizerException(
                    json, other.Key, $"{other.Problem} The directory has no {SentencePieceFile} or {SentinelFile} either; {Supported}.", other)
                {
                    IsOtherKind = true,
                };
            }
        }

        return model is null ? null
            : Path.GetFileName(model) == SentinelFile ? ParseSentinels(directory, ReadBounded(model), model)
            : ParseSentencePiece(ReadBounded(model), model);
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

    private static SentinelTokenizer ParseSentinels(string directory, byte[] bytes, string file)
    {
        var model = SentencePieceModel.Parse(bytes, file);
        int end = Enumerable.Range(0, model.Kinds.Length).FirstOrDefault(
            id => model.Kinds[id] == PieceKind.Control && model.Pieces[id].SequenceEqual("</s>"u8), -1);
        if (end < 0)
            throw new TokenizerException(file, "pieces", "has no control piece </s>, which ends every text of a T5 tokenizer.");
        const int Usual = 100;
        const int Most = 1 << 16;
        string path = Path.Combine(directory, ConfigFile);
        int sentinels = File.Exists(path) ? ExpertCluster.Models.ConfigFile.Read(path).OptionalInt("extra_ids", 0, Most) ?? Usual : Usual;
        return new SentinelTokenizer(new SentencePieceTextTokenizer(model), end, sentinels);
    }

    private static byte[] ReadBounded(string path)
    {
        try
        {
            return BoundedFile.Read(
                path, MaxFileBytes, length => new TokenizerException(path, "", $"is {length} bytes long; a tokenizer file has at most {MaxFileBytes}."));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerException(path, "", $"cannot be read: {error.Message}", error);
        }
    }
}
