using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

public sealed class TokenizerFuzzSpec(ITestOutputHelper output)
{
    private static readonly byte[] Json = new TokenizerJsonBuilder().Merge("a", "b").Merge("ab", "c", asText: true).Added("<s>").Added("<x y>", special: false, lstrip: true)
        .With("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":" ?\\p{L}+"},"behavior":"Isolated"},{"type":"ByteLevel"}]}""")
        .With("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<s>":{"ids":[258]}}}""").Bytes();

    private static readonly byte[] Model = SentencePieceModelWriter.SmallUnigram().Piece("<u>", 0, 4).Map(CharacterMapWriter.Build(("x", "a"))).Bytes();

    private static readonly string[] Fragments =
    [
        "[", "{", "\"", "\\", "\\ud800", "\\u0000", "null", "1e999", "-1", "99999999999999999999", "\"type\":\"BPE\"", "\"model\":{", "\"vocab\":{},", ",",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":", "\"Sequence\"", "(a+)+", "{1000}{1000}",
    ];

    [Fact]
    public void Random_bytes_are_refused_within_the_bound() => Gen.Byte.Array[0, 2000].Sample(bytes =>
    {
        Bounded(bytes, TokenizerLoader.ParseJson);
        Bounded(bytes, TokenizerLoader.ParseSentencePiece);
    }, iter: 3000);

    [Fact]
    public void Damaged_json_never_crashes_and_stays_within_the_bound() => Mutations(Json).Sample(bytes => { Bounded(bytes, TokenizerLoader.ParseJson); }, iter: 5000);

    [Fact]
    public void Damaged_models_never_crash_and_stay_within_the_bound() =>
        Mutations(Model).Sample(bytes => { Bounded(bytes, TokenizerLoader.ParseSentencePiece); }, iter: 5000);

    [Fact]
    public void Every_truncation_is_refused()
    {
        for (int length = 0; length < Json.Length; length += 7)
            Bounded(Json[..length], TokenizerLoader.ParseJson).Should().BeFalse();
        for (int length = 0; length < Model.Length; length += 7) Bounded(Model[..length], TokenizerLoader.ParseSentencePiece);
        Bounded(Model[..^1], TokenizerLoader.ParseSentencePiece).Should().BeFalse();
    }

    [Theory]
    [InlineData("deep arrays", "[", "")]
    [InlineData("deep objects", "{\"a\":", "")]
    [InlineData("many members", "\"a\":1,", "{")]
    [InlineData("tiny tokens", "\"§\":%,", "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"merges\":[],\"vocab\":{")]
    [InlineData("tiny merges", "\"a b\",", "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[")]
    [InlineData("merges of escapes", "[\"\\u0061\",\"\\u0062\"],", "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[")]
    [InlineData("added tokens", "{\"id\":%,\"content\":\"§\"},", "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"vocab\":{\"a\":0},\"merges\":[]},\"added_tokens\":[")]
    [InlineData("ids of a template", "1,", "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"},\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"x\":{\"ids\":[")]
    public void Much_of_the_same_stays_within_the_bound(string name, string unit, string start)
    {
        foreach (int count in new[] { 10, 1000, 50_000 })
        {
            var text = new StringBuilder(start);
            for (int i = 0; i < count; i++) text.Append(unit.Replace("%", (i + 1).ToString(), StringComparison.Ordinal).Replace("§", ((char)(0x4E00 + i % 20000)).ToString() + (i / 20000), StringComparison.Ordinal));
            output.WriteLine($"{name} × {count}: {Measure(Encoding.UTF8.GetBytes(text.ToString()), TokenizerLoader.ParseJson)}");

            // Well-formed too, where closing what is open makes it so.
            var closed = text.ToString().TrimEnd(',') + start.Aggregate(new Stack<char>(), (open, c) =>
            {
                if (c is '{' or '[') open.Push(c == '{' ? '}' : ']');
                else if (c is '}' or ']') open.Pop();
                return open;
            }).Aggregate("", (all, c) => all + c);
            output.WriteLine($"  closed: {Measure(Encoding.UTF8.GetBytes(closed), TokenizerLoader.ParseJson)}");
        }
    }

    [Theory]
    [InlineData("aaaaaaaa")]
    [InlineData("(")]
    [InlineData("(?i)kK")]
    [InlineData("[\\p{L}a]")]
    [InlineData("ab|")]
    public void Long_patterns_stay_within_the_bound(string unit)
    {
        var pattern = string.Concat(Enumerable.Repeat(unit, 4000 / unit.Length));
        var json = JsonSerializer.Serialize(pattern);
        var bytes = Encoding.UTF8.GetBytes($$$"""
            {"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":{{{json}}}},"behavior":"Isolated"},{"type":"ByteLevel"}]},
            "decoder":{"type":"ByteLevel"},"model":{"vocab":{"a":0},"merges":[]}}
            """);
        output.WriteLine(Measure(bytes, TokenizerLoader.ParseJson));
        output.WriteLine(Measure([.. bytes, .. Enumerable.Repeat((byte)' ', 24 * pattern.Length)], TokenizerLoader.ParseJson));
    }

    [Fact]
    public void Many_tiny_pieces_stay_within_the_bound()
    {
        foreach (int count in new[] { 10, 1000, 50_000 })
        {
            var writer = SentencePieceModelWriter.Start(1, bytes: false);
            for (int i = 0; i < count; i++) writer.Piece(new Rune(0x4E00 + i % 20000).ToString() + i / 20000, -i, i % 5 == 0 ? 4 : 1);
            output.WriteLine(Measure(writer.Bytes(), TokenizerLoader.ParseSentencePiece));
        }
    }

    [Fact]
    public void Real_shapes_stay_within_the_bound()
    {
        var folio = ModelFiles.FolioTokenizer;
        using var document = JsonDocument.Parse(folio);
        var relaxed = new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        output.WriteLine("folio: " + Measure(folio, TokenizerLoader.ParseJson, encode: true));
        output.WriteLine("folio minified: " + Measure(JsonSerializer.SerializeToUtf8Bytes(document.RootElement, relaxed), TokenizerLoader.ParseJson, encode: true));
        output.WriteLine("30k tokens: " + Measure(Synthetic(30_000, asText: false), TokenizerLoader.ParseJson, encode: true));
        output.WriteLine("30k tokens, merges as text: " + Measure(Synthetic(30_000, asText: true), TokenizerLoader.ParseJson, encode: true));
        output.WriteLine("SentencePiece 32k: " + Measure(SyntheticModel(32_000, type: 2), TokenizerLoader.ParseSentencePiece, encode: true));
        output.WriteLine("SentencePiece 32k, Unigram: " + Measure(SyntheticModel(32_000, type: 1), TokenizerLoader.ParseSentencePiece, encode: true));
    }

    private static byte[] Synthetic(int size, bool asText)
    {
        var file = new StringBuilder("{\"added_tokens\":[],\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{");
        var letters = Enumerable.Range(0, 256).Select(value => TokenizerJsonBuilder.Letter((byte)value)).ToList();
        var tokens = letters.Select(letter => letter is "\"" or "\\" ? "\\" + letter : letter).ToList();
        var merges = new StringBuilder();
        for (int i = 0; tokens.Count < size; i++)
        {
            var (a, b) = (tokens[97 + i % 26 + i / 26 / 26 * 26 % (tokens.Count - 140)], tokens[97 + i / 26 % 26]);
            if (a.Contains('\\', StringComparison.Ordinal) || tokens.Contains(a + b)) continue;
            tokens.Add(a + b);
            merges.Append(asText ? $"\"{a} {b}\"," : $"[\"{a}\",\"{b}\"],");
        }

        file.AppendJoin(',', tokens.Select((token, id) => $"\"{token}\":{id}"));
        return Encoding.UTF8.GetBytes(file.Append("},\"merges\":[").Append(merges).Remove(file.Length - 1, 1).Append("]}}").ToString());
    }

    private static byte[] SyntheticModel(int size, int type)
    {
        var writer = SentencePieceModelWriter.Start(type).Whitespace(remove: false);
        for (int i = 0; i < size; i++) writer.Piece($"▁{(char)('a' + i % 26)}{(char)('a' + i / 26 % 26)}{(char)('a' + i / 676 % 26)}{(char)('a' + i / 17576)}", -i);
        return writer.Bytes();
    }

    private static Gen<byte[]> Mutations(byte[] file) => Gen.Select(Gen.Int[0, file.Length - 1], Gen.Int[0, 40], Gen.Byte, Gen.Int[0, 5], Gen.OneOf(Fragments))
        .Array[1, 4].Select(edits =>
        {
            var bytes = file.ToList();
            foreach (var (place, length, value, kind, fragment) in edits)
            {
                int at = place % bytes.Count;
                int count = Math.Min(length, bytes.Count - at);
                if (kind == 0) bytes[at] = value;
                else if (kind == 1) bytes.RemoveRange(at, Math.Min(count, bytes.Count - 1));
                else if (kind == 2) bytes.InsertRange(at, Encoding.UTF8.GetBytes(fragment));
                else if (kind == 3) bytes.InsertRange(at, bytes.GetRange(at, count));
                else if (kind == 4) bytes.RemoveRange(at, bytes.Count - at);
                else bytes[at] ^= (byte)(1 << (value & 7));
                if (bytes.Count == 0) bytes.Add(value);
            }

            return bytes.ToArray();
        });

    // True when the file was accepted; then it must also encode and decode.
    private static bool Bounded(byte[] bytes, Func<ReadOnlyMemory<byte>, string, ITextTokenizer> parse)
    {
        ITextTokenizer? tokenizer = null;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            tokenizer = parse(bytes, "file");
        }
        catch (TokenizerException)
        {
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > (64 << 10) + 16L * bytes.Length) throw new InvalidOperationException($"{allocated} bytes allocated for {bytes.Length} read");
        if (tokenizer is null) return false;
        try
        {
            tokenizer.Decode(tokenizer.Encode("abc é世 <s> xyz"));
        }
        catch (TokenizerException)
        {
        }

        return true;
    }

    private static string Measure(byte[] bytes, Func<ReadOnlyMemory<byte>, string, ITextTokenizer> parse, bool encode = false)
    {
        Bounded(bytes[..(bytes.Length / 2)], parse);
        ITextTokenizer? tokenizer = null;
        string error = "";
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            tokenizer = parse(bytes, "file");
        }
        catch (TokenizerException refusal)
        {
            error = refusal.Message[..Math.Min(80, refusal.Message.Length)];
        }

        long load = GC.GetAllocatedBytesForCurrentThread() - before;
        load.Should().BeLessThanOrEqualTo((64 << 10) + 16L * bytes.Length);
        if (!encode) return $"{bytes.Length} read, {load} allocated ({(double)load / bytes.Length:F1}×) {error}";
        before = GC.GetAllocatedBytesForCurrentThread();
        tokenizer!.Encode("abc");
        long first = GC.GetAllocatedBytesForCurrentThread() - before;
        return $"{bytes.Length} read, load {load} ({(double)load / bytes.Length:F1}×), first encode {first} ({(double)first / bytes.Length:F1}×)";
    }
}
