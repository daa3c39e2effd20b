using System.Security.Cryptography;
using ExpertCluster.Models.Families;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;

namespace ExpertCluster.Models;

/// <summary>
/// A model as the hub publishes it: a folder with config.json and safetensors. Opening reads configuration and headers and checks
/// that all tensors are there; weights are read when loaded. Safe for concurrent loads.
/// </summary>
public sealed class ModelCheckpoint : IDisposable
{
    private readonly ModelDefinition _definition;

    private ModelCheckpoint(string directory, ModelDefinition definition, CheckpointTensors tensors, string fingerprint, string? defect)
    {
        Directory = directory;
        _definition = definition;
        Tensors = tensors;
        Fingerprint = fingerprint;
        ReferenceDefect = defect;
    }

    /// <summary>The checkpoint's folder.</summary>
    public string Directory { get; }

    /// <summary>The model's sizes.</summary>
    public ModelShape Shape => _definition.Shape;

    /// <summary>What the dense part of a decoder-only model computes; null for others.</summary>
    public DecoderSpec? Decoder => _definition.Decoder;

    /// <summary>The checkpoint's tensors.</summary>
    public CheckpointTensors Tensors { get; }

    /// <summary>
    /// SHA-256, lower-case hex, of config.json and the headers of all safetensors files: two nodes with the same one have the same
    /// model, unless somebody changed weights in place.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>Bytes of one expert in memory, as float32.</summary>
    public long ExpertBytes => _definition.ExpertBytes;

    /// <summary>
    /// What most of the checkpoint's bytes are stored as: float32, or else bfloat16, in which models in bfloat16, float16 and fewer bits were
    /// trained or are meant to run.
    /// </summary>
    public torch.ScalarType NativeType
    {
        get
        {
            var entries = Tensors.Files.SelectMany(file => file.Entries).ToList();
            return entries.Where(e => e.Type == TensorType.F32).Sum(e => e.ByteLength) * 2 > entries.Sum(e => e.ByteLength)
                ? torch.ScalarType.Float32
                : torch.ScalarType.BFloat16;
        }
    }

    /// <summary>Bytes of one expert in memory.</summary>
    /// <param name="type">What its weights are held as: float32 or bfloat16.</param>
    public long ExpertBytesAs(torch.ScalarType type) => type == torch.ScalarType.BFloat16 ? ExpertBytes / 2 : ExpertBytes;

    /// <summary>
    /// What the reference implementation that wrote config.json is known to compute wrongly, in words; null for nothing known.
    /// </summary>
    public string? ReferenceDefect { get; }

    /// <summary>Opens and validates a checkpoint.</summary>
    /// <param name="directory">Its folder.</param>
    /// <param name="likeReference">
    /// Whether to compute what <see cref="ReferenceDefect"/> names as the reference does: for comparison with its answers, never to serve.
    /// </param>
    /// <exception cref="ModelException">The folder or config.json is missing, malformed, or of a kind not supported.</exception>
    /// <exception cref="CheckpointException">A file or tensor is missing, malformed or of the wrong shape.</exception>
    public static ModelCheckpoint Open(string directory, bool likeReference = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        if (!System.IO.Directory.Exists(directory))
        {
            throw new ModelException(directory, null, "no such folder; a checkpoint is a folder with config.json and model.safetensors.");
        }

        string path = Path.Combine(directory, "config.json");
        if (!File.Exists(path))
        {
            throw new ModelException(path, null, "is missing; a checkpoint is a folder with config.json and model.safetensors.");
        }

        ConfigFile config = ConfigFile.Read(path);
        string generation = Path.Combine(directory, "generation_config.json");
        ConfigFile? read = File.Exists(generation) ? ConfigFile.Read(generation) : null;
        IModelFamily family = ModelFamilies.Of(config);
        ModelDefinition definition = likeReference ? family.DefineLikeReference(config, read) : family.Define(config, read);
        RefusePickles(directory, definition.Shape.IsEncoderDecoder);
        CheckpointTensors tensors = CheckpointTensors.Open(directory);
        try
        {
            var checkpoint = new ModelCheckpoint(directory, definition, tensors, FingerprintOf(config, tensors), family.ReferenceDefect(config));
            checkpoint.Validate();
            return checkpoint;
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>Checks that every tensor the model needs is there with the right shape, without reading any.</summary>
    /// <exception cref="CheckpointException">One is not.</exception>
    public void Validate() => _definition.Validate(Tensors);

    /// <summary>Loads one expert, touching only its tensors. Call on the executor's thread of the device.</summary>
    /// <param name="layer">Model layer index, one of <see cref="ModelShape.MoeLayers"/>.</param>
    /// <param name="expert">Index of the expert in its layer.</param>
    /// <param name="device">Where its weights go.</param>
    /// <param name="type">What its weights become and it computes in: float32, or bfloat16, to which wider values are rounded.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such expert, or another type.</exception>
    public IExpertNetwork LoadExpert(int layer, int expert, torch.Device device, torch.ScalarType type = torch.ScalarType.Float32)
    {
        if (type is not (torch.ScalarType.Float32 or torch.ScalarType.BFloat16))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Experts compute in float32 or bfloat16.");
        }

        if (Array.IndexOf(Shape.MoeLayers, layer) < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, $"The model has no experts in layer {layer}.");
        }

        if ((uint)expert >= (uint)Shape.ExpertsPerLayer)
        {
            throw new ArgumentOutOfRangeException(nameof(expert), expert, $"The model has {Shape.ExpertsPerLayer} experts per layer.");
        }

        return _definition.LoadExpert(Tensors, layer, expert, device, type);
    }

    /// <summary>Loads everything but the experts onto an executor's device; blocks until that is done.</summary>
    public SequenceModel LoadDense(DeviceExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(executor);
        return executor.Run(() => _definition.LoadDense(Tensors, executor));
    }

    /// <summary>Closes the files; loaded weights stay.</summary>
    public void Dispose() => Tensors.Dispose();

    /// <summary>Pickled weights run code of whoever made them when read, so they never are.</summary>
    private static void RefusePickles(string directory, bool encoderDecoder)
    {
        // Other safetensors, an adapter or recorded answers, are no weights of this model.
        if (File.Exists(Path.Combine(directory, CheckpointTensors.SingleFile)) || File.Exists(Path.Combine(directory, CheckpointTensors.IndexFile))
            || System.IO.Directory.EnumerateFiles(directory, "*.bin").Order(StringComparer.Ordinal).FirstOrDefault() is not { } pickle)
        {
            return;
        }

        string folder = directory.TrimEnd('/');
        string kind = encoderDecoder ? "AutoModelForSeq2SeqLM" : "AutoModelForCausalLM";
        throw new ModelException(
            pickle,
            null,
            "is a pickle, which is not read because it can run code. Where you trust it, convert it: "
            + $"python3 -c \"import sys; from transformers import {kind} as M; M.from_pretrained(sys.argv[1], dtype='auto').save_pretrained(sys.argv[2])\" {Quoted(folder)} {Quoted(folder + "-safetensors")}");
    }

    /// <summary>A path as one word of a shell's command, whatever is in it.</summary>
    private static string Quoted(string path) => "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private static string FingerprintOf(ConfigFile config, CheckpointTensors tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(config.Bytes);
        foreach (SafetensorsFile file in tensors.Files)
        {
            hash.AppendData(file.Header);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
