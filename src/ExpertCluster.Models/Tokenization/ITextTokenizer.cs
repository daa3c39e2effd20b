using System.Buffers;

namespace ExpertCluster.Models.Tokenization;

/// <summary>Turns text into token ids and back. Implementations are safe for concurrent use.</summary>
public interface ITextTokenizer
{
    /// <summary>Highest token id plus one; ids in between may be unused.</summary>
    int VocabularySize { get; }

    /// <summary>Encodes <paramref name="text"/>; unpaired surrogates count as U+FFFD.</summary>
    /// <param name="text">The text; empty text gives no ids besides the special ones.</param>
    /// <param name="addSpecialTokens">Whether to add what the tokenizer puts around a prompt (usually a begin-of-sequence token).</param>
    /// <exception cref="TokenizerException">A split pattern of the tokenizer file took too long on this text.</exception>
    IReadOnlyList<int> Encode(string text, bool addSpecialTokens = true);

    /// <summary>
    /// Appends the bytes one token stands for: nothing for special tokens and for ids the vocabulary does not define (models pad theirs).
    /// The bytes of a single token need not be whole UTF-8 characters.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is negative.</exception>
    void AppendBytes(int id, IBufferWriter<byte> utf8);

    /// <summary>Decodes ids to text as the model's own tokenizer does; special tokens vanish, invalid bytes become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    string Decode(IEnumerable<int> ids);

    /// <summary>Whether <paramref name="id"/> is a control token, which never shows in text.</summary>
    bool IsSpecial(int id);

    /// <summary>Starts decoding token by token; what it gives, put together, equals <see cref="Decode"/>.</summary>
    /// <param name="continuation">The ids continue a text: a leading space is kept where <see cref="Decode"/> would drop it.</param>
    Detokenizer StartDecoding(bool continuation = false) => new ByteDetokenizer(this);
}
