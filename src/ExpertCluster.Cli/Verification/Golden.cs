using System.Globalization;
using ExpertCluster.Models;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Cli.Verification;

/// <summary>What a reference implementation answered: <c>golden.safetensors</c> beside a checkpoint.</summary>
internal sealed class Golden : IDisposable
{
    private const string HiddenPrefix = "hidden_states.";

    private const string RouterPrefix = "router_logits.";

    private readonly SafetensorsFile _file;
    private readonly string _path;

    private Golden(SafetensorsFile file, string path)
    {
        _file = file;
        _path = path;
        foreach (var entry in file.Entries)
        {
            Place(entry.Name);
        }

        InputIds = Has("input_ids") ? Rows("input_ids") : [];
        PromptIds = Has("prompt_ids") ? Rows("prompt_ids").Single() : InputIds.FirstOrDefault();
        Generated = Has("generated") ? Rows("generated").Single() : null;
        if (NeedsInput && InputIds.Count == 0)
        {
            throw new CheckpointException(path, "input_ids", "is missing, and other tensors are answers to it.");
        }

        if (!NeedsInput && Generated is null)
        {
            throw new CheckpointException(path, null, "holds no answer to compare with: neither logits nor states nor generated.");
        }

        if (Generated is not null && (PromptIds is null || !Generated.Take(PromptIds.Length).SequenceEqual(PromptIds)))
        {
            throw new CheckpointException(path, "generated", "does not begin with prompt_ids (or the first row of input_ids).");
        }
    }

    /// <summary>Sequences of <c>input_ids</c>, each [S].</summary>
    public IReadOnlyList<int[]> InputIds { get; }

    /// <summary>What generation starts from.</summary>
    public int[]? PromptIds { get; }

    /// <summary>Prompt and greedy continuation; null when the file has none.</summary>
    public int[]? Generated { get; }

    /// <summary>Indexes of <c>hidden_states.i</c>.</summary>
    public SortedSet<int> HiddenStates { get; } = [];

    /// <summary>Indexes of <c>router_logits.i</c>.</summary>
    public SortedSet<int> RouterLogits { get; } = [];

    private bool NeedsInput => HiddenStates.Count > 0 || RouterLogits.Count > 0 || Has("logits") || Has("logits_last") || Has("nll") || Has("aux_loss");

    /// <summary>Reads the file of a directory.</summary>
    /// <exception cref="CheckpointException">Missing, malformed, or with a tensor this program can not compare.</exception>
    public static Golden Open(string directory)
    {
        var path = Path.Combine(directory, "golden.safetensors");
        if (!File.Exists(path))
        {
            throw new CheckpointException(path, null, "There is no such file; verify compares with a reference's answers in it.");
        }

        var file = SafetensorsFile.Open(path);
        try
        {
            return new Golden(file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Checks its token ids against a model before anything is started.</summary>
    /// <exception cref="CheckpointException">An id is not in the vocabulary, or a sequence longer than the context.</exception>
    public void Check(ModelShape shape)
    {
        foreach (var (name, rows) in new[] { ("input_ids", InputIds), ("prompt_ids", PromptIds is null ? [] : [PromptIds]) })
        {
            foreach (var row in rows)
            {
                if (row.Length > shape.MaxContext)
                {
                    throw new CheckpointException(_path, name, $"holds sequences of {row.Length} tokens; the model's context holds {shape.MaxContext}.");
                }

                if (row.FirstOrDefault(id => id >= shape.VocabularySize) is not 0 and var id)
                {
                    throw new CheckpointException(_path, name, $"holds the token id {id}; the model's are 0 to {shape.VocabularySize - 1}.");
                }
            }
        }
    }

    public void Dispose() => _file.Dispose();

    public bool Has(string name) => _file.Contains(name);

    /// <summary>Values of a float tensor, which must have that many.</summary>
    public float[] Floats(string name, long expected)
    {
        var values = _file.ReadFloats(name);
        return values.Length == expected
            ? values
            : throw new CheckpointException(_path, name, $"holds {values.Length} values; this model and input_ids make {expected}.");
    }

    public static string HiddenName(int index) => HiddenPrefix + index.ToString(CultureInfo.InvariantCulture);

    public static string RouterName(int index) => RouterPrefix + index.ToString(CultureInfo.InvariantCulture);

    private void Place(string name)
    {
        if (Index(name, HiddenPrefix) is { } hidden)
        {
            HiddenStates.Add(hidden);
        }
        else if (Index(name, RouterPrefix) is { } router)
        {
            RouterLogits.Add(router);
        }
        else if (name is not ("input_ids" or "prompt_ids" or "generated" or "logits" or "logits_last" or "nll" or "aux_loss"))
        {
            // What is not compared must not look as if it had been.
            throw new CheckpointException(_path, name, "is no golden tensor this program knows.");
        }
    }

    private static int? Index(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    private List<int[]> Rows(string name)
    {
        var shape = _file[name].Shape;
        if (shape.Length != 2 || shape[0] < 1 || shape[1] < 1)
        {
            throw new CheckpointException(_path, name, $"has shape [{string.Join(", ", shape)}]; token ids are [sequences, tokens].");
        }

        var values = _file.ReadLongs(name);
        var ids = values.Select(v => v is >= 0 and <= int.MaxValue
            ? (int)v
            : throw new CheckpointException(_path, name, $"holds the token id {v}.")).ToArray();
        return [.. ids.Chunk((int)shape[1])];
    }
}
