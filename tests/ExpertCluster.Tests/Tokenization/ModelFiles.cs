using System.Buffers.Binary;
using System.Text.Json;

namespace ExpertCluster.Tests.Tokenization;

/// <summary>The published model the tests run on, and its recorded numbers.</summary>
internal static class ModelFiles
{
    public static string Folio { get; } = Path.Combine(AppContext.BaseDirectory, "config", "models", "folio-moe");

    public static byte[] FolioTokenizer => File.ReadAllBytes(Path.Combine(Folio, "tokenizer.json"));

    /// <summary>A small I64 tensor of golden.safetensors, flattened.</summary>
    public static int[] Golden(string name)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Folio, "golden.safetensors"));
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var json = JsonDocument.Parse(bytes.AsMemory(8, header));
        var offsets = json.RootElement.GetProperty(name).GetProperty("data_offsets");
        var data = bytes.AsSpan((8 + header + offsets[0].GetInt32())..(8 + header + offsets[1].GetInt32()));
        var numbers = new int[data.Length / 8];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = (int)BinaryPrimitives.ReadInt64LittleEndian(data[(8 * i)..]);
        return numbers;
    }

    public static string GoldenText(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folio, "golden.json")));
        return json.RootElement.GetProperty(name).GetString()!;
    }
}
