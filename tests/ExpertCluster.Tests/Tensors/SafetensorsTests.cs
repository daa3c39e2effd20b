using System.Buffers.Binary;
using System.Text;
using CsCheck;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;

namespace ExpertCluster.Tests.Tensors;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_written_is_read_back_exactly()
    {
        LibTorch.Load();
        float[] f32 = [1.5f, -2, float.MaxValue, float.Epsilon, 0, -0f];
        string path = _folder["x.safetensors"];
        SafetensorsWriter.Write(path,
        [
            TensorToWrite.Floats("f32", [2, 3], f32),
            TensorToWrite.Longs("i64", [2], [long.MinValue, 7]),
            TensorToWrite.Bytes("odd", TensorType.U8, [3], [1, 2, 3]),
            TensorToWrite.Bytes("bf16", TensorType.BF16, [2], [0x80, 0x3f, 0xc0, 0xff]),
            TensorToWrite.Bytes("f16", TensorType.F16, [2], [0x00, 0x3c, 0x01, 0x00]),
            TensorToWrite.Bytes("i32", TensorType.I32, [], [5, 0, 0, 0]),
            TensorToWrite.Bytes("bool", TensorType.Bool, [2], [1, 0]),
            TensorToWrite.Bytes("none", TensorType.I8, [0, 4], []),
        ]);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        file.Entries.Should().HaveCount(8);
        file.BytesRead.Should().Be(0, "opening reads the header alone");
        file.ReadFloats("f32").Should().Equal(f32);
        file.ReadLongs("i64").Should().Equal(long.MinValue, 7);
        file.ReadLongs("i32").Should().Equal(5);
        file.ReadFloats("bf16")[0].Should().Be(1);
        float.IsNaN(file.ReadFloats("bf16")[1]).Should().BeTrue();
        file.ReadFloats("f16").Should().Equal(1, (float)BitConverter.UInt16BitsToHalf(1));
        file["none"].Shape.Should().Equal(0, 4);

        // bf16 and f16 start at an odd address here.
        using torch.Tensor widened = file.Read("bf16", torch.CPU, torch.ScalarType.Float32, [2]);
        widened.data<float>()[0].Should().Be(1);
        using torch.Tensor half = file.Read("f16", torch.CPU, torch.ScalarType.Float32);
        half.data<float>().ToArray().Should().Equal(file.ReadFloats("f16"));
        using torch.Tensor same = file.Read("f32", torch.CPU, torch.ScalarType.Float32, [2, 3]);
        same.data<float>().ToArray().Should().Equal(f32);
    }

    [Fact]
    public void Reading_as_another_shape_or_kind_names_file_tensor_and_both()
    {
        LibTorch.Load();
        string path = _folder["x.safetensors"];
        SafetensorsWriter.Write(path, [TensorToWrite.Floats("w", [2, 3], new float[6]), TensorToWrite.Longs("ids", [1], [1])]);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Throws(() => file.Read("w", torch.CPU, torch.ScalarType.Float32, [3, 2]), path, "'w'", "[2, 3]", "[3, 2]");
        Throws(() => file.Read("ids", torch.CPU, torch.ScalarType.Float32), path, "'ids'", "I64", "Float32");
        Throws(() => file.Read("v", torch.CPU, torch.ScalarType.Float32), path, "'v'", "not in this file");
        Throws(() => file.ReadFloats("ids"), path, "'ids'", "I64");
        Throws(() => file.ReadLongs("w"), path, "'w'", "F32");
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{", "not valid JSON")]
    [InlineData("{} x", "not valid JSON")]
    [InlineData("{\"a\":1}", "'a'")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "'a'*lacks 'data_offsets'")]
    [InlineData("{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", "'a'*dtype")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "'a'*does not take")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "'a'*whole numbers")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", "'a'*whole numbers")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807,4],\"data_offsets\":[0,4]}}", "'a'*does not take")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", "'a'*more than 16")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "'a'*outside*truncated")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "'a'*outside")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", "'a'*data_offsets")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "'a'*repeated")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}", "'b'*overlap")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]}}", "'b'*hole")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", "2 bytes after its last tensor")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "'a'*twice")]
    [InlineData("{\"__metadata__\":[]}", "__metadata__")]
    [InlineData("{\"\\ud800\":{}}", "not valid JSON")]
    public void A_wrong_header_is_one_clear_line(string json, string expected)
    {
        string path = _folder["bad.safetensors"];
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. Encoding.UTF8.GetBytes(json), 0, 0, 0, 0]);
        Throws(() => SafetensorsFile.Open(path), [path, .. expected.Split('*')]);
    }

    [Fact]
    public void An_absurd_or_missing_file_is_one_clear_line()
    {
        string path = _folder["bad.safetensors"];
        Throws(() => SafetensorsFile.Open(path), path);
        File.WriteAllBytes(path, []);
        Throws(() => SafetensorsFile.Open(path), path, "0 bytes");
        File.WriteAllBytes(path, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]);
        Throws(() => SafetensorsFile.Open(path), path, "18446744073709551615", "limit");
        File.WriteAllBytes(path, [99, 0, 0, 0, 0, 0, 0, 0, (byte)'{']);
        Throws(() => SafetensorsFile.Open(path), path, "99", "truncated");
        Throws(() => SafetensorsFile.Open(path, new SafetensorsOptions { MaxHeaderLength = 98 }), path, "limit of 98");
    }

    [Fact]
    public void Damaged_and_random_files_neither_crash_nor_allocate_much()
    {
        byte[] valid = Valid();
        Gen<byte[]> mutated = Gen.Select(Gen.Int[0, valid.Length - 1], Gen.Byte, Gen.Int[0, valid.Length]).Array[1, 6].Select(edits =>
        {
            byte[] bytes = [.. valid];
            int length = bytes.Length;
            foreach ((int at, byte value, int cut) in edits)
            {
                bytes[at] = value;
                length = value % 16 == 0 ? Math.Min(length, cut) : length;
            }

            return bytes[..length];
        });
        Gen<byte[]> framed = Gen.Byte.Array[0, 400].Select(body => (byte[])[.. BitConverter.GetBytes((long)body.Length), .. body]);
        Gen<byte[]> json = GenOneOf("{", "}", "[", "]", ",", ":", "\"a\"", "\"dtype\"", "\"F32\"", "\"shape\"", "\"data_offsets\"", "0", "1", "4", "-1", "1e9", " ", "\"__metadata__\"")
            .Array[0, 60].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts)))
            .Select(body => (byte[])[.. BitConverter.GetBytes((long)body.Length), .. body, 0, 0, 0, 0]);
        Open(valid);
        Gen.OneOf(mutated, framed, json, Gen.Byte.Array[0, 300]).Sample(Open, iter: 5_000, threads: 1);
    }

    [Fact]
    public void A_hostile_header_allocates_in_proportion_to_what_is_read()
    {
        // The cheapest entries in bytes: empty tensors with short names.
        var many = new StringBuilder("{");
        for (int i = 0; i < 50_000; i++)
        {
            many.Append(i == 0 ? "" : ",").Append('"').Append(i).Append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}");
        }

        Open(Framed(many.Append('}').ToString()));
        Open(Framed("{\"" + new string('n', 1_000_000) + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"));
        Open(Framed("{\"" + string.Concat(Enumerable.Repeat("\\u0041", 200_000)) + "\":1}"));
        Open(Framed(new string('[', 1_000_000)));
        Open(Framed("{\"a\":{\"shape\":[" + string.Concat(Enumerable.Repeat("1,", 500_000)) + "1]}}"));
        Open(Framed("{\"__metadata__\":{" + string.Concat(Enumerable.Repeat("\"k\":\"v\",", 100_000)) + "\"k\":\"v\"}}"));
        byte[] huge = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(huge, 99_999_999);
        Open(huge);
    }

    [Fact]
    public void Reading_one_of_32_experts_touches_its_bytes_only()
    {
        const int bytes = 1 << 20;
        string path = _folder["experts.safetensors"];
        SafetensorsWriter.Write(path, Enumerable.Range(0, 32).Select(e => TensorToWrite.Floats($"experts.{e}", [bytes / 4], [.. Enumerable.Repeat((float)e, bytes / 4)])));
        using SafetensorsFile file = SafetensorsFile.Open(path);
        long before = ResidentKilobytes(path);
        file.ReadFloats("experts.17").Should().OnlyContain(v => v == 17);
        file.BytesRead.Should().Be(bytes);
        if (OperatingSystem.IsLinux())
        {
            // The kernel maps what surrounds a touched page, too, when it is cached in one piece: up to 2 MB.
            (ResidentKilobytes(path) - before).Should().BeInRange(bytes / 1024, (bytes / 1024) + 4096);
        }
    }

    private static void Throws(Action action, params string[] parts)
    {
        string message = action.Should().Throw<CheckpointException>().Which.Message;
        message.Should().ContainAll(parts).And.NotContain("\n");
    }

    private static Gen<string> GenOneOf(params string[] parts) => Gen.Int[0, parts.Length - 1].Select(i => parts[i]);

    private static byte[] Framed(string json) => [.. BitConverter.GetBytes((long)json.Length), .. Encoding.UTF8.GetBytes(json)];

    private byte[] Valid()
    {
        string path = _folder["valid.safetensors"];
        SafetensorsWriter.Write(path, [TensorToWrite.Floats("a.weight", [2, 2], new float[4]), TensorToWrite.Longs("b", [3], new long[3])]);
        return File.ReadAllBytes(path);
    }

    private void Open(byte[] bytes)
    {
        string path = _folder["fuzz.safetensors"];
        File.WriteAllBytes(path, bytes);
        string message = path;
        bool sizes = true;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            foreach (TensorEntry entry in file.Entries)
            {
                sizes &= file.Raw(entry.Name).Length == entry.ByteLength;
            }
        }
        catch (CheckpointException e)
        {
            message = e.Message;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        sizes.Should().BeTrue();
        message.Should().StartWith(path).And.NotContain("\n");
        allocated.Should().BeLessThanOrEqualTo((64 * 1024) + (16L * bytes.Length));
    }

    private static long ResidentKilobytes(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        string[] lines = File.ReadAllLines("/proc/self/smaps");
        int start = Array.FindIndex(lines, line => line.EndsWith(path, StringComparison.Ordinal));
        string rss = lines.Skip(start).First(line => line.StartsWith("Rss:", StringComparison.Ordinal));
        return long.Parse(rss.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
