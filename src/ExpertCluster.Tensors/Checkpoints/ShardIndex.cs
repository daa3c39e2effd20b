using System.Text.Json;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>Reads <c>model.safetensors.index.json</c>: which shard file holds which tensor.</summary>
internal static class ShardIndex
{
    // The largest published indexes are some 10 MB.
    private const long MaxLength = 256 * 1024 * 1024;

    /// <summary>Reads the tensor → shard file map and checks the file names.</summary>
    public static Dictionary<string, string> Read(string file)
    {
        byte[] bytes;
        try
        {
            bytes = BoundedFile.Read(
                file, MaxLength, length => new CheckpointException(file, null, $"has {length} bytes, above the limit of {MaxLength}."));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(file, null, "cannot be read: " + e.Message, e);
        }

        try
        {
            return Parse(file, bytes);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(file, null, "is not valid JSON: " + e.Message.ReplaceLineEndings(" "));
        }
    }

    private static Dictionary<string, string> Parse(string file, ReadOnlySpan<byte> json)
    {
        Dictionary<string, string>? map = null;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 16 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new CheckpointException(file, null, "is not a JSON object.");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isMap = reader.ValueTextEquals("weight_map"u8);
            reader.Read();
            if (!isMap)
            {
                reader.Skip();
            }
            else if (map is not null || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new CheckpointException(file, null, "'weight_map' is repeated or not an object.");
            }
            else
            {
                map = ParseMap(file, ref reader);
            }
        }

        while (reader.Read())
        {
        }

        return map ?? throw new CheckpointException(file, null, "has no 'weight_map'.");
    }

    private static Dictionary<string, string> ParseMap(string file, ref Utf8JsonReader reader)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string tensor = reader.GetString()!;
            reader.Read();
            string shard = reader.TokenType == JsonTokenType.String
                ? reader.GetString()!
                : throw new CheckpointException(file, tensor, "its shard in 'weight_map' is not a string.");
            if (!IsPlainName(shard))
            {
                throw new CheckpointException(
                    file, tensor, "its shard in 'weight_map' is not a plain file name; shards lie in the checkpoint's own folder.");
            }

            // One string per shard, not per tensor.
            if (!names.TryGetValue(shard, out string? known))
            {
                names[shard] = known = shard;
            }

            if (!map.TryAdd(tensor, known))
            {
                throw new CheckpointException(file, tensor, "listed twice in 'weight_map'.");
            }
        }

        return map;
    }

    private static bool IsPlainName(string name) =>
        name.Length is > 0 and < 256
        && name is not "." and not ".."
        && !name.AsSpan().ContainsAny("/\\:")
        && !name.Any(char.IsControl);
}
