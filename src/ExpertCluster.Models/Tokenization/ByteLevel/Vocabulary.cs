using System.Text;
using System.Text.Json;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary><c>model.vocab</c>: token texts in GPT-2's byte alphabet and their ids, in compact tables.</summary>
internal sealed class Vocabulary
{
    private readonly TokenTable _table;
    private readonly int[] _ids;
    private readonly int[] _indexOfId;

    private Vocabulary(TokenTable table, int[] ids, int[] indexOfId)
    {
        _table = table;
        _ids = ids;
        _indexOfId = indexOfId;
    }

    public int Count => _table.Count;

    public int MaxId => _indexOfId.Length - 1;

    public int LongestToken => _table.LongestToken;

    /// <summary>Id of a token's text, or -1.</summary>
    public int IdOf(ReadOnlySpan<byte> text)
    {
        int index = _table.Find(text);
        return index < 0 ? -1 : _ids[index];
    }

    /// <summary>Text of an id; false when the vocabulary does not define it.</summary>
    public bool TryText(int id, out ReadOnlySpan<byte> text)
    {
        int index = (uint)id < (uint)_indexOfId.Length ? _indexOfId[id] : -1;
        text = index < 0 ? default : _table[index];
        return index >= 0;
    }

    /// <summary>All tokens as the library wants them.</summary>
    public IEnumerable<KeyValuePair<string, int>> Tokens()
    {
        for (int index = 0; index < _table.Count; index++)
            yield return new(Encoding.UTF8.GetString(_table[index]), _ids[index]);
    }

    /// <summary>The highest id that a file defining <paramref name="tokens"/> tokens may use; it keeps tables by id in proportion.</summary>
    public static int IdLimit(int tokens) => (int)Math.Min(int.MaxValue - 1L, 4L * tokens + 4096);

    public static Vocabulary Parse(TokenizerJson file, ReadOnlyMemory<byte> json) => file.Guard("model.vocab", () =>
    {
        int count = Measure(file, json, out int textBytes);
        var table = new TokenTable(count, textBytes);
        var ids = new int[count];
        int limit = IdLimit(count), highest = -1;
        var reader = TokenizerJson.Reader(json);
        reader.Read();
        var buffer = new byte[Math.Min(textBytes, 256)];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ReadOnlySpan<byte> text = reader.ValueSpan;
            if (reader.ValueIsEscaped)
            {
                if (buffer.Length < text.Length) buffer = new byte[Math.Max(2 * buffer.Length, text.Length)];
                text = buffer.AsSpan(0, reader.CopyString(buffer));
            }

            if (text.IsEmpty) throw file.Error("model.vocab", "has an empty token.");
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id) || id < 0)
                throw file.Error(Key(text), "must have a whole number from 0 to 2147483646 as its id.");
            if (id > limit)
                throw file.Error(Key(text), $"has id {id}, far above what {count} tokens need (at most {limit}); the file is damaged.");
            ids[table.Count] = id;
            if (!table.TryAdd(text)) throw file.Error(Key(text), "appears twice.");
            highest = Math.Max(highest, id);
        }

        var indexOfId = new int[highest + 1];
        Array.Fill(indexOfId, -1);
        for (int index = 0; index < count; index++)
        {
            if (indexOfId[ids[index]] >= 0)
                throw file.Error(Key(table[index]), $"has id {ids[index]}, which another token has too.");
            indexOfId[ids[index]] = index;
        }

        return new Vocabulary(table, ids, indexOfId);
    });

    private static int Measure(TokenizerJson file, ReadOnlyMemory<byte> json, out int textBytes)
    {
        var reader = TokenizerJson.Reader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw file.Error("model.vocab", "must be an object that maps tokens to ids.");
        int count = 0;
        textBytes = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            count++;
            textBytes += reader.ValueSpan.Length;
            reader.Read();
            reader.Skip();
        }

        if (count == 0) throw file.Error("model.vocab", "is empty.");
        return count;
    }

    private static string Key(ReadOnlySpan<byte> text) =>
        "model.vocab[" + TokenizerException.Quote(Encoding.UTF8.GetString(text[..Math.Min(text.Length, 160)])) + "]";
}
