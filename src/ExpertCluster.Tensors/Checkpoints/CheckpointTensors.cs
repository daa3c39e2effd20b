using static TorchSharp.torch;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>
/// The tensors of a checkpoint folder as the hub publishes them: one <c>model.safetensors</c>, or shards listed by
/// <c>model.safetensors.index.json</c>. Opening reads headers alone. Safe for concurrent reads.
/// </summary>
public sealed class CheckpointTensors : IDisposable
{
    /// <summary>Name of the file of an unsharded checkpoint.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>Name of the index of a sharded checkpoint.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _byTensor;

    private CheckpointTensors(string directory, List<SafetensorsFile> files, Dictionary<string, SafetensorsFile> byTensor)
    {
        Directory = directory;
        _files = files;
        _byTensor = byTensor;
    }

    /// <summary>The checkpoint's folder.</summary>
    public string Directory { get; }

    /// <summary>The files of the checkpoint, in order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files => _files;

    /// <summary>Names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => _byTensor.Keys;

    /// <summary>Bytes of tensor data read so far, over all files.</summary>
    public long BytesRead => _files.Sum(file => file.BytesRead);

    /// <summary>The entry of a tensor.</summary>
    /// <exception cref="CheckpointException">The checkpoint has no such tensor.</exception>
    public TensorEntry this[string name] => FileOf(name)[name];

    /// <summary>Opens the checkpoint in a folder.</summary>
    /// <exception cref="CheckpointException">Folder, file, shard or tensor missing, or a file is malformed.</exception>
    public static CheckpointTensors Open(string directory, SafetensorsOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        if (!System.IO.Directory.Exists(directory))
        {
            throw new CheckpointException(directory, null, "no such folder.");
        }

        string single = Path.Combine(directory, SingleFile);
        string index = Path.Combine(directory, IndexFile);
        if (File.Exists(single))
        {
            SafetensorsFile file = SafetensorsFile.Open(single, options);
            return new CheckpointTensors(directory, [file], file.Entries.ToDictionary(e => e.Name, _ => file, StringComparer.Ordinal));
        }

        return File.Exists(index)
            ? OpenShards(directory, index, options)
            : throw new CheckpointException(directory, null, $"holds neither {SingleFile} nor {IndexFile}.");
    }

    /// <summary>Whether the checkpoint has a tensor.</summary>
    public bool Contains(string name) => _byTensor.ContainsKey(name);

    /// <summary>The file that holds a tensor.</summary>
    /// <exception cref="CheckpointException">The checkpoint has no such tensor.</exception>
    public SafetensorsFile FileOf(string name) =>
        _byTensor.TryGetValue(name, out SafetensorsFile? file)
            ? file
            : throw new CheckpointException(Directory, name, "missing from the checkpoint.");

    /// <summary>Reads a tensor; only its own bytes are touched.</summary>
    /// <param name="name">Tensor name.</param>
    /// <param name="device">Device of the result.</param>
    /// <param name="dtype">Element type of the result; float16 and bfloat16 widen exactly.</param>
    /// <param name="expectedShape">The shape it must have; none given means a scalar.</param>
    /// <returns>A tensor that owns its memory, in the current dispose scope if there is one.</returns>
    /// <exception cref="CheckpointException">Missing, or of another shape or kind of type.</exception>
    public Tensor Read(string name, Device device, ScalarType dtype, params long[] expectedShape) =>
        FileOf(name).Read(name, device, dtype, expectedShape);

    /// <summary>Reads one part along a tensor's outermost axis, such as one expert of all; nothing else is read.</summary>
    /// <param name="name">Tensor name.</param>
    /// <param name="index">Index on the outermost axis.</param>
    /// <param name="device">Device of the result.</param>
    /// <param name="dtype">Element type of the result.</param>
    /// <param name="expectedShape">Shape of the part, that is without the outermost axis.</param>
    /// <exception cref="CheckpointException">Missing, no such part, or of another shape or kind of type.</exception>
    public Tensor ReadPart(string name, long index, Device device, ScalarType dtype, params long[] expectedShape) =>
        FileOf(name).ReadPart(name, index, device, dtype, expectedShape);

    /// <summary>The bytes of one part along a tensor's outermost axis; valid until the checkpoint is disposed.</summary>
    /// <exception cref="CheckpointException">No such tensor or part, or it is larger than 2 GB.</exception>
    public ReadOnlySpan<byte> Raw(string name, long index) => FileOf(name).Raw(name, index);

    /// <summary>A tensor's bytes in the map; valid until the checkpoint is disposed.</summary>
    /// <exception cref="CheckpointException">No such tensor, or it is larger than 2 GB.</exception>
    public ReadOnlySpan<byte> Raw(string name) => FileOf(name).Raw(name);

    /// <summary>Checks from the header that a tensor is there with a shape, without reading it.</summary>
    /// <exception cref="CheckpointException">Missing, or of another shape, or not floating-point.</exception>
    public void Require(string name, params long[] shape)
    {
        SafetensorsFile file = FileOf(name);
        TensorEntry entry = file.Expect(name, shape);
        if (entry.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16))
        {
            throw new CheckpointException(file.Path, name, $"has type {entry.Type.HeaderName()}, expected F32, F16 or BF16.");
        }
    }

    /// <summary>Unmaps all files.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private static CheckpointTensors OpenShards(string directory, string index, SafetensorsOptions? options)
    {
        Dictionary<string, string> map = ShardIndex.Read(index);
        var shards = new SortedDictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            foreach (string shard in map.Values.Distinct(StringComparer.Ordinal))
            {
                string path = Path.Combine(directory, shard);
                if (!File.Exists(path))
                {
                    throw new CheckpointException(index, null, $"lists shard {shard}, which is not in {directory}; download it too.");
                }

                shards[shard] = SafetensorsFile.Open(path, options);
            }

            var byTensor = new Dictionary<string, SafetensorsFile>(map.Count, StringComparer.Ordinal);
            foreach ((string tensor, string shard) in map)
            {
                byTensor[tensor] = shards[shard].Contains(tensor)
                    ? shards[shard]
                    : throw new CheckpointException(shards[shard].Path, tensor, $"not in this shard, though {IndexFile} says so.");
            }

            return new CheckpointTensors(directory, [.. shards.Values], byTensor);
        }
        catch
        {
            foreach (SafetensorsFile file in shards.Values)
            {
                file.Dispose();
            }

            throw;
        }
    }
}
