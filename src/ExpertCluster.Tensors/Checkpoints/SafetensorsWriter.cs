using System.Buffers.Binary;
using System.Text.Json;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>Writes safetensors files, one tensor at a time, holding none of them.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;
    private const int BufferSize = 1 << 20;

    /// <summary>Writes tensors in the order given. The file appears under its name only when complete.</summary>
    /// <exception cref="CheckpointException">A name is used twice, or a tensor wrote more or fewer bytes than its shape takes.</exception>
    public static void Write(string path, IEnumerable<TensorToWrite> tensors)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        TensorToWrite[] all = [.. tensors];
        byte[] header = Header(path, all);
        string part = path + ".part";
        try
        {
            using (var stream = new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.None, BufferSize))
            {
                Span<byte> length = stackalloc byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
                stream.Write(length);
                stream.Write(header);
                foreach (TensorToWrite tensor in all)
                {
                    long start = stream.Position;
                    tensor.Write(stream);
                    if (stream.Position - start != tensor.ByteLength)
                    {
                        throw new CheckpointException(
                            path, tensor.Name, $"wrote {stream.Position - start} bytes, its shape takes {tensor.ByteLength}.");
                    }
                }
            }

            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static byte[] Header(string path, TensorToWrite[] tensors)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            long offset = 0;
            json.WriteStartObject();
            foreach (TensorToWrite tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                {
                    throw new CheckpointException(path, tensor.Name, "given twice.");
                }

                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.HeaderName());
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape)
                {
                    json.WriteNumberValue(size);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.ByteLength);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces are valid JSON and keep the data aligned.
        while (buffer.Length % Alignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.ToArray();
    }
}
