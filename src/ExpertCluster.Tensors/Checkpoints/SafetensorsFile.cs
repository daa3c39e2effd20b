using System.IO.MemoryMappedFiles;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>
/// A safetensors file, mapped into memory. Opening reads the header alone; a tensor's bytes are read from disk when asked for, and
/// nothing needs libtorch except <see cref="Read(string, Device, ScalarType, long[])"/>. Safe for concurrent reads; the file must not change while open.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly Dictionary<string, TensorEntry> _entries;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly long _dataStart;
    private long _bytesRead;
    private bool _disposed;

    private SafetensorsFile(string path, SafetensorsOptions options)
    {
        Path = path;
        try
        {
            // The handle is of what a link leads to, and so is its length; FileInfo would tell the link's own.
            using SafeFileHandle handle = File.OpenHandle(path);
            Length = BoundedFile.Length(handle);
            if (Length < 8)
            {
                // An empty file cannot be mapped; the same check words the error.
                SafetensorsHeader.ReadLength(path, [], Length, options);
            }

            _map = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, null, "cannot be opened: " + e.Message, e);
        }

        try
        {
            _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            byte* pointer = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            _start = pointer + _view.PointerOffset;
            int header = SafetensorsHeader.ReadLength(path, new ReadOnlySpan<byte>(_start, 8), Length, options);
            HeaderLength = header;
            _dataStart = 8 + header;
            _entries = SafetensorsHeader.Parse(path, Header, Length - _dataStart);
        }
        catch
        {
            _view?.SafeMemoryMappedViewHandle.ReleasePointer();
            _view?.Dispose();
            _map.Dispose();
            throw;
        }
    }

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>The file's length in bytes.</summary>
    public long Length { get; }

    /// <summary>Length of the JSON header in bytes.</summary>
    public int HeaderLength { get; }

    /// <summary>Everything the header lists, in no particular order.</summary>
    public IReadOnlyCollection<TensorEntry> Entries => _entries.Values;

    /// <summary>Bytes of tensor data read so far, over all tensors.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>The JSON header as it stands in the file.</summary>
    public ReadOnlySpan<byte> Header => new(_start + 8, HeaderLength);

    /// <summary>The entry of a tensor.</summary>
    /// <exception cref="CheckpointException">The file has no such tensor.</exception>
    public TensorEntry this[string name] =>
        _entries.TryGetValue(name, out TensorEntry? entry) ? entry : throw new CheckpointException(Path, name, "not in this file.");

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CheckpointException">The file cannot be opened or its header is wrong.</exception>
    public static SafetensorsFile Open(string path, SafetensorsOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new SafetensorsFile(path, options ?? SafetensorsOptions.Default);
    }

    /// <summary>Whether the file has a tensor.</summary>
    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>Looks a tensor's entry up.</summary>
    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TensorEntry? entry) =>
        _entries.TryGetValue(name, out entry);

    /// <summary>A tensor's bytes in the map, little-endian, row-major; valid until the file is disposed.</summary>
    /// <exception cref="CheckpointException">No such tensor, or it is larger than 2 GB.</exception>
    public ReadOnlySpan<byte> Raw(string name)
    {
        TensorEntry entry = this[name];
        if (entry.ByteLength > int.MaxValue)
        {
            throw new CheckpointException(Path, name, $"{entry.ByteLength} bytes are more than a span can hold; read it as a tensor.");
        }

        return new ReadOnlySpan<byte>(Claim(entry), (int)entry.ByteLength);
    }

    /// <summary>The bytes of one part along a tensor's outermost axis, such as one expert of all; nothing else is read.</summary>
    /// <exception cref="CheckpointException">No such tensor or part, or the part is larger than 2 GB.</exception>
    public ReadOnlySpan<byte> Raw(string name, long index)
    {
        TensorEntry part = Part(this[name], index);
        return part.ByteLength <= int.MaxValue
            ? new ReadOnlySpan<byte>(Claim(part), (int)part.ByteLength)
            : throw new CheckpointException(Path, name, $"{part.ByteLength} bytes of a part are more than a span can hold.");
    }

    /// <summary>Reads a tensor, converting floating-point types exactly where the target is wider.</summary>
    /// <param name="name">Tensor name.</param>
    /// <param name="device">Device of the result.</param>
    /// <param name="dtype">Element type of the result.</param>
    /// <param name="expectedShape">Shape it must have, or null for any.</param>
    /// <returns>A tensor that owns its memory, in the current dispose scope if there is one.</returns>
    /// <exception cref="CheckpointException">No such tensor, or another shape or kind of type than asked for.</exception>
    public Tensor Read(string name, Device device, ScalarType dtype, long[]? expectedShape = null)
    {
        return Convert(Expect(name, expectedShape), device, dtype);
    }

    /// <summary>Reads one part along a tensor's outermost axis, such as one expert of all; nothing else is read.</summary>
    /// <param name="name">Tensor name.</param>
    /// <param name="index">Index on the outermost axis.</param>
    /// <param name="device">Device of the result.</param>
    /// <param name="dtype">Element type of the result.</param>
    /// <param name="expectedShape">Shape of the part, that is without the outermost axis, or null for any.</param>
    /// <returns>A tensor that owns its memory, in the current dispose scope if there is one.</returns>
    /// <exception cref="CheckpointException">No such tensor or part, or another shape or kind of type than asked for.</exception>
    public Tensor ReadPart(string name, long index, Device device, ScalarType dtype, long[]? expectedShape = null)
    {
        TensorEntry part = Part(this[name], index);
        return expectedShape is null || part.Shape.AsSpan().SequenceEqual(expectedShape)
            ? Convert(part, device, dtype)
            : throw new CheckpointException(Path, name, $"has parts of shape {part.ShapeText}, expected {TensorEntry.Format(expectedShape)}.");
    }

    private TensorEntry Part(TensorEntry entry, long index)
    {
        if (entry.Shape.Length == 0 || index < 0 || index >= entry.Shape[0])
        {
            throw new CheckpointException(Path, entry.Name, $"has shape {entry.ShapeText} and so no part {index}.");
        }

        long bytes = entry.ByteLength / entry.Shape[0];
        return entry with { Shape = entry.Shape[1..], ByteLength = bytes, Offset = entry.Offset + (index * bytes) };
    }

    private Tensor Convert(TensorEntry entry, Device device, ScalarType dtype)
    {
        string name = entry.Name;
        if (entry.Type.ToScalarType() is not { } stored)
        {
            throw new CheckpointException(Path, name, $"type {entry.Type.HeaderName()} cannot be computed with.");
        }

        if (stored != dtype && !(IsFloat(stored) && IsFloat(dtype)))
        {
            throw new CheckpointException(Path, name, $"has type {entry.Type.HeaderName()}, expected one that converts to {dtype}.");
        }

        byte* source = Claim(entry);
        bool aligned = (nuint)source % (nuint)entry.Type.Size() == 0;
        void* copy = null;
        try
        {
            if (!aligned)
            {
                // Vector code may rely on natural alignment, which a header of odd length takes away.
                copy = NativeMemory.Alloc((nuint)entry.ByteLength);
                Buffer.MemoryCopy(source, copy, entry.ByteLength, entry.ByteLength);
            }

            using Tensor mapped = TensorMemory.Wrap(aligned ? source : copy, stored, entry.Shape);
            return mapped.to(dtype, device, copy: true);
        }
        finally
        {
            NativeMemory.Free(copy);
        }
    }

    /// <summary>Reads a floating-point tensor into an array of float32, row-major. Needs no libtorch.</summary>
    /// <exception cref="CheckpointException">No such tensor, or not F32, F16 or BF16.</exception>
    public float[] ReadFloats(string name)
    {
        TensorEntry entry = this[name];
        ReadOnlySpan<byte> raw = Raw(name);
        var values = new float[raw.Length / entry.Type.Size()];
        switch (entry.Type)
        {
            case TensorType.F32:
                raw.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
                return values;
            case TensorType.F16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(raw), values);
                return values;
            case TensorType.BF16:
                ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(raw);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
                }

                return values;
            default:
                throw new CheckpointException(Path, name, $"has type {entry.Type.HeaderName()}, expected F32, F16 or BF16.");
        }
    }

    /// <summary>Reads an integer tensor into an array, row-major. Needs no libtorch.</summary>
    /// <exception cref="CheckpointException">No such tensor, or not I64, I32 or U8.</exception>
    public long[] ReadLongs(string name)
    {
        TensorEntry entry = this[name];
        ReadOnlySpan<byte> raw = Raw(name);
        var values = new long[raw.Length / entry.Type.Size()];
        switch (entry.Type)
        {
            case TensorType.I64:
                raw.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
                return values;
            case TensorType.I32:
                TensorPrimitives.ConvertChecked(MemoryMarshal.Cast<byte, int>(raw), values.AsSpan());
                return values;
            case TensorType.U8:
                TensorPrimitives.ConvertChecked(raw, values.AsSpan());
                return values;
            default:
                throw new CheckpointException(Path, name, $"has type {entry.Type.HeaderName()}, expected I64, I32 or U8.");
        }
    }

    /// <summary>Finds a tensor and compares its shape with what the caller needs.</summary>
    /// <exception cref="CheckpointException">No such tensor, or another shape.</exception>
    public TensorEntry Expect(string name, long[]? expectedShape)
    {
        TensorEntry entry = this[name];
        if (expectedShape is not null && !entry.Shape.AsSpan().SequenceEqual(expectedShape))
        {
            throw new CheckpointException(Path, name, $"has shape {entry.ShapeText}, expected {TensorEntry.Format(expectedShape)}.");
        }

        return entry;
    }

    /// <summary>Unmaps the file; spans from <see cref="Raw(string)"/> must not be used any more.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map.Dispose();
        }
    }

    private static bool IsFloat(ScalarType type) =>
        type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    private byte* Claim(TensorEntry entry)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Interlocked.Add(ref _bytesRead, entry.ByteLength);
        return _start + _dataStart + entry.Offset;
    }
}
