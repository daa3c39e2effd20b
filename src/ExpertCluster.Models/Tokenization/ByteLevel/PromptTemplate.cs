using System.Text.Json;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>What the <c>post_processor</c> puts before and after the ids of a text.</summary>
internal sealed class PromptTemplate
{
    private const int MaxIds = 64;

    public List<int> Before { get; } = [];

    public List<int> After { get; } = [];

    /// <summary>Reads the component; only its form for a single text matters here, and offsets do not.</summary>
    public static PromptTemplate Parse(TokenizerJson file, ReadOnlyMemory<byte> json)
    {
        var template = new PromptTemplate();
        if (!json.IsEmpty && !TokenizerJson.IsNull(json)) template.Add(file, json, "post_processor", 0);
        return template;
    }

    /// <summary>Refuses ids the vocabulary does not define.</summary>
    public void Check(TokenizerJson file, Func<int, bool> isDefined)
    {
        foreach (int id in Before.Concat(After))
            if (!isDefined(id)) throw file.Error("post_processor.special_tokens", $"uses id {id}, which no token has.");
    }

    private void Add(TokenizerJson file, ReadOnlyMemory<byte> json, string key, int depth)
    {
        var members = file.Members(json, key);
        var type = file.Type(members, key);
        switch (type)
        {
            case "ByteLevel":
                file.Members(json, key, "type", "add_prefix_space", "trim_offsets", "use_regex");
                break;
            case "Sequence":
                if (depth > 1) throw file.Error(key, "nests sequences too deeply.");
                file.Members(json, key, "type", "processors");
                if (!members.TryGetValue("processors", out var parts)) throw file.Error(key + ".processors", "is missing.");
                int index = 0;
                foreach (var part in file.Elements(parts, key + ".processors", 16)) Add(file, part, $"{key}.processors[{index++}]", depth + 1);
                break;
            case "TemplateProcessing":
                file.Members(json, key, "type", "single", "pair", "special_tokens");
                AddTemplate(file, members, key);
                break;
            default:
                throw file.Error(key + ".type",
                    $"{TokenizerException.Quote(type)} is not supported; known are TemplateProcessing, ByteLevel, Sequence.");
        }
    }

    private void AddTemplate(TokenizerJson file, Dictionary<string, ReadOnlyMemory<byte>> members, string key)
    {
        if (!members.TryGetValue("single", out var single)) throw file.Error(key + ".single", "is missing.");
        List<int> before = [], after = [];
        bool seenText = false;
        int index = 0;
        foreach (var element in file.Elements(single, key + ".single", MaxIds))
        {
            string where = $"{key}.single[{index++}]";
            var item = file.Members(element, where, "SpecialToken", "Sequence");
            if (item.Count != 1) throw file.Error(where, "must be one SpecialToken or Sequence.");
            if (item.TryGetValue("Sequence", out var sequence))
            {
                var id = file.Members(sequence, where + ".Sequence", "id", "type_id");
                if (seenText || !id.TryGetValue("id", out var name) || !name.Span.SequenceEqual("\"A\""u8))
                    throw file.Error(where + ".Sequence", "must be text A, once.");
                seenText = true;
            }
            else
            {
                var token = file.Members(item["SpecialToken"], where + ".SpecialToken", "id", "type_id");
                if (!token.TryGetValue("id", out var name)) throw file.Error(where + ".SpecialToken.id", "is missing.");
                (seenText ? after : before).AddRange(IdsOf(file, members, key, file.Text(name, where + ".SpecialToken.id", 256)));
            }
        }

        if (!seenText) throw file.Error(key + ".single", "lacks the text itself (Sequence A).");

        // An outer template wraps what the inner one made.
        Before.InsertRange(0, before);
        After.AddRange(after);
        if (Before.Count + After.Count > MaxIds) throw file.Error(key + ".single", $"adds more than {MaxIds} tokens.");
    }

    private static List<int> IdsOf(TokenizerJson file, Dictionary<string, ReadOnlyMemory<byte>> members, string key, string name)
    {
        string where = $"{key}.special_tokens[{TokenizerException.Quote(name)}]";
        if (!members.TryGetValue("special_tokens", out var table) || !file.Members(table, key + ".special_tokens").TryGetValue(name, out var entry))
            throw file.Error(where, "is missing, though the template uses it.");
        if (!file.Members(entry, where, "id", "ids", "tokens").TryGetValue("ids", out var json)) throw file.Error(where + ".ids", "is missing.");
        var ids = new List<int>();
        foreach (var element in file.Elements(json, where + ".ids", MaxIds))
        {
            ids.Add(file.Guard(where + ".ids", () =>
            {
                var reader = TokenizerJson.Reader(element);
                reader.Read();
                return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int id) && id >= 0
                    ? id
                    : throw file.Error(where + ".ids", "must be whole numbers from 0 to 2147483646.");
            }));
        }

        return ids;
    }
}
