using System.Buffers.Binary;
using System.Text.Json;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>
/// Parses and checks a safetensors header: eight bytes of little-endian length, then JSON. Works on the mapped bytes themselves,
/// so what it allocates is bounded by what the header really lists.
/// </summary>
internal static class SafetensorsHeader
{
    // Far above what any model has; bounds the stack space for one shape.
    private const int MaxRank = 16;

    /// <summary>Reads the header's length.</summary>
    public static int ReadLength(string file, ReadOnlySpan<byte> start, long fileLength, SafetensorsOptions options)
    {
        if (fileLength < 8 || start.Length < 8)
        {
            throw new CheckpointException(file, null, $"the file has {fileLength} bytes; a safetensors file has at least 8.");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (length > (ulong)options.MaxHeaderLength || length > int.MaxValue)
        {
            throw new CheckpointException(
                file, null, $"the header claims {length} bytes, above the limit of {options.MaxHeaderLength}; not a safetensors file?");
        }

        if ((long)length > fileLength - 8)
        {
            throw new CheckpointException(
                file, null, $"the header claims {length} bytes but the file ends after {fileLength - 8}; is it truncated?");
        }

        return (int)length;
    }

    /// <summary>Parses the JSON and checks every entry against the <paramref name="dataLength"/> bytes that follow it.</summary>
    public static Dictionary<string, TensorEntry> Parse(string file, ReadOnlySpan<byte> json, long dataLength)
    {
        try
        {
            Dictionary<string, TensorEntry> entries = ParseEntries(file, json, dataLength);
            CheckLayout(file, entries, dataLength);
            return entries;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is not valid UTF-8 or UTF-16.
            throw new CheckpointException(file, null, "the header is not valid JSON: " + FirstLine(e.Message));
        }
    }

    private static Dictionary<string, TensorEntry> ParseEntries(string file, ReadOnlySpan<byte> json, long dataLength)
    {
        var entries = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new CheckpointException(file, null, "the header is not a JSON object.");
        }

        bool metadata = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("__metadata__"u8))
            {
                if (metadata)
                {
                    throw new CheckpointException(file, null, "the header has '__metadata__' twice.");
                }

                metadata = true;
                SkipMetadata(file, ref reader);
                continue;
            }

            string name = reader.GetString()!;
            TensorEntry entry = ParseEntry(file, name, ref reader, dataLength);
            if (!entries.TryAdd(name, entry))
            {
                throw new CheckpointException(file, name, "listed twice in the header.");
            }
        }

        // Anything but white space after the object makes this throw.
        while (reader.Read())
        {
        }

        return entries;
    }

    private static void SkipMetadata(string file, ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new CheckpointException(file, null, "'__metadata__' in the header is not an object.");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new CheckpointException(file, null, "'__metadata__' in the header holds something other than strings.");
            }
        }
    }

    private static TensorEntry ParseEntry(string file, string name, ref Utf8JsonReader reader, long dataLength)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new CheckpointException(file, name, "its entry in the header is not an object.");
        }

        TensorType? type = null;
        long[]? shape = null;
        (long Begin, long End)? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8) && type is null)
            {
                type = ParseType(file, name, ref reader);
            }
            else if (reader.ValueTextEquals("shape"u8) && shape is null)
            {
                shape = ParseNumbers(file, name, "shape", ref reader);
            }
            else if (reader.ValueTextEquals("data_offsets"u8) && offsets is null)
            {
                long[] pair = ParseNumbers(file, name, "data_offsets", ref reader);
                offsets = pair.Length == 2 ? (pair[0], pair[1]) : throw new CheckpointException(file, name, "data_offsets has not two numbers.");
            }
            else
            {
                throw new CheckpointException(file, name, "its entry in the header has an unknown or repeated key.");
            }
        }

        if (type is not { } known || shape is null || offsets is not { } range)
        {
            string missing = type is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw new CheckpointException(file, name, $"its entry in the header lacks '{missing}'.");
        }

        if (range.Begin > range.End || range.End > dataLength)
        {
            throw new CheckpointException(
                file, name, $"data_offsets [{range.Begin}, {range.End}] lie outside the {dataLength} bytes of data; is the file truncated?");
        }

        long? size = ByteSize(known, shape);
        if (size != range.End - range.Begin)
        {
            throw new CheckpointException(
                file,
                name,
                $"{known.HeaderName()} {TensorEntry.Format(shape)} does not take the {range.End - range.Begin} bytes that data_offsets give it.");
        }

        return new TensorEntry(name, known, shape, size.Value) { Offset = range.Begin };
    }

    private static TensorType ParseType(string file, string name, ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String || reader.HasValueSequence)
        {
            throw new CheckpointException(file, name, "dtype is not a string.");
        }

        return TensorTypes.TryParse(reader.ValueSpan, out TensorType type)
            ? type
            : throw new CheckpointException(file, name, "its dtype is not one of the safetensors format.");
    }

    private static long[] ParseNumbers(string file, string name, string key, ref Utf8JsonReader reader)
    {
        Span<long> numbers = stackalloc long[MaxRank];
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new CheckpointException(file, name, $"{key} is not an array.");
        }

        int count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
            {
                throw new CheckpointException(file, name, $"{key} holds something other than whole numbers from 0 to 2^63-1.");
            }

            if (count == numbers.Length)
            {
                throw new CheckpointException(file, name, $"{key} has more than {numbers.Length} numbers.");
            }

            numbers[count++] = number;
        }

        return numbers[..count].ToArray();
    }

    private static long? ByteSize(TensorType type, long[] shape)
    {
        Int128 bytes = type.Size();
        foreach (long size in shape)
        {
            // Stops before the product can overflow even 128 bits; a later 0 would not make such a shape sensible.
            bytes *= size;
            if (bytes > long.MaxValue)
            {
                return null;
            }
        }

        return (long)bytes;
    }

    private static void CheckLayout(string file, Dictionary<string, TensorEntry> entries, long dataLength)
    {
        var ordered = new TensorEntry[entries.Count];
        entries.Values.CopyTo(ordered, 0);
        Array.Sort(ordered, static (a, b) => (a.Offset, a.ByteLength).CompareTo((b.Offset, b.ByteLength)));
        long end = 0;
        foreach (TensorEntry entry in ordered)
        {
            // The reference implementation refuses both, too: bytes that no tensor owns can hide another file.
            if (entry.Offset != end)
            {
                string what = entry.Offset < end ? "overlap the tensor before it" : $"leave a hole after byte {end}";
                throw new CheckpointException(file, entry.Name, $"data_offsets {what}.");
            }

            end += entry.ByteLength;
        }

        if (end != dataLength)
        {
            throw new CheckpointException(file, null, $"the file has {dataLength - end} bytes after its last tensor.");
        }
    }

    private static string FirstLine(string text)
    {
        int end = text.AsSpan().IndexOfAny('\r', '\n');
        return end < 0 ? text : text[..end];
    }
}
