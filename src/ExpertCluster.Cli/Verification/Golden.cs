using ExpertCluster.Models;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Cli.Verification;

/// <summary>What a reference implementation answered: <c>golden.safetensors</c> beside a checkpoint.</summary>
internal sealed class Golden : IDisposable
{
    private static readonly string[] Single =
        ["input_ids", "decoder_input_ids", "prompt_ids", "generated", "logits", "logits_last", "nll", "aux_loss", EncoderOutput];

    private static readonly string[] Inputs = ["input_ids", "prompt_ids", "generated"];

    /// <summary>What an encoder's final norm gives, once more under a name of its own.</summary>
    public const string EncoderOutput = "encoder_last_hidden_state";

    private readonly SafetensorsFile _file;
    private readonly string _path;

    private Golden(SafetensorsFile file, string path)
    {
        _file = file;
        _path = path;
        var states = new List<GoldenState>();
        foreach (var entry in file.Entries)
        {
            if (GoldenState.Parse(entry.Name) is { } state)
            {
                states.Add(state);
            }
            else if (!Single.Contains(entry.Name))
            {
                // What is not compared must not look as if it had been.
                throw new CheckpointException(_path, entry.Name, "is no golden tensor this program knows.");
            }
        }

        States = [.. states.OrderBy(s => s.Side).ThenBy(s => s.IsRouter).ThenBy(s => s.Index)];
        InputIds = Has("input_ids") ? Rows("input_ids") : [];
        DecoderInputIds = Has("decoder_input_ids") ? Rows("decoder_input_ids") : null;
        PromptIds = Has("prompt_ids") ? One("prompt_ids") : InputIds.FirstOrDefault();
        Generated = Has("generated") ? One("generated") : null;
        CheckKeys();
    }

    /// <summary>Sequences of <c>input_ids</c>, each [S].</summary>
    public IReadOnlyList<int[]> InputIds { get; }

    /// <summary>Sequences of <c>decoder_input_ids</c>, each [S']; null for a decoder-only model.</summary>
    public IReadOnlyList<int[]>? DecoderInputIds { get; }

    /// <summary>The sequences that logits belong to.</summary>
    public IReadOnlyList<int[]> Targets => DecoderInputIds ?? InputIds;

    /// <summary>What generation starts from.</summary>
    public int[]? PromptIds { get; }

    /// <summary>Prompt and greedy continuation, or of an encoder–decoder start token and answer; null when the file has none.</summary>
    public int[]? Generated { get; }

    /// <summary>The hidden states and router logits in it.</summary>
    public IReadOnlyList<GoldenState> States { get; }

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
        CheckKind(shape);
        foreach (var (name, rows) in new[]
        {
            ("input_ids", InputIds), ("decoder_input_ids", DecoderInputIds ?? []), ("prompt_ids", PromptIds is null ? [] : [PromptIds]),
            ("generated", Generated is null ? [] : [Generated]),
        })
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

    /// <summary>Values of a float tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its shape. The axes before the last may also be one, as where the reference flattens sequences.</param>
    /// <exception cref="CheckpointException">It has another shape.</exception>
    public float[] Floats(string name, params long[] shape)
    {
        var actual = _file[name].Shape;
        long[] flat = [shape[..^1].Aggregate(1L, (product, size) => product * size), shape[^1]];
        return actual.SequenceEqual(shape) || actual.SequenceEqual(flat) || (shape is [1] && actual.Length == 0)
            ? _file.ReadFloats(name)
            : throw new CheckpointException(
                _path, name, $"has shape [{string.Join(", ", actual)}]; this model and the token ids make [{string.Join(", ", shape)}].");
    }

    /// <summary>The error for a state that the model does not have.</summary>
    public CheckpointException Missing(string name, int count, string what) => new(_path, name, $"goes beyond the {count} {what} of this model.");

    /// <summary>Which keys need which others.</summary>
    private void CheckKeys()
    {
        var needsInput = States.Count > 0 || new[] { "logits", "logits_last", "nll", "aux_loss", EncoderOutput }.Any(Has);
        if (needsInput && InputIds.Count == 0)
        {
            throw new CheckpointException(_path, "input_ids", "is missing, and other tensors are answers to it.");
        }

        if (!needsInput && Generated is null)
        {
            throw new CheckpointException(_path, null, "holds no answer to compare with: neither logits nor states nor generated.");
        }

        if (DecoderInputIds is not null && DecoderInputIds.Count != InputIds.Count)
        {
            throw new CheckpointException(
                _path, "decoder_input_ids", $"holds {DecoderInputIds.Count} sequences, input_ids {InputIds.Count}.");
        }
    }

    /// <summary>Checks what depends on whether the model has an encoder.</summary>
    private void CheckKind(ModelShape shape)
    {
        if (States.FirstOrDefault(s => (s.Side == GoldenSide.Only) == shape.IsEncoderDecoder) is { } other)
        {
            throw new CheckpointException(
                _path, other.Name, shape.IsEncoderDecoder ? "does not say whether it is the encoder's or the decoder's." : "is of a stack the model has not.");
        }

        if (!shape.IsEncoderDecoder)
        {
            if (DecoderInputIds is not null || Has(EncoderOutput))
            {
                throw new CheckpointException(
                    _path, DecoderInputIds is null ? EncoderOutput : "decoder_input_ids", "is there, but the model has no encoder.");
            }

            if (Generated is not null && (PromptIds is null || !Generated.Take(PromptIds.Length).SequenceEqual(PromptIds)))
            {
                throw new CheckpointException(_path, "generated", "does not begin with prompt_ids (or the first row of input_ids).");
            }

            return;
        }

        if (DecoderInputIds is null && _file.Entries.Any(entry => !Inputs.Contains(entry.Name)))
        {
            throw new CheckpointException(_path, "decoder_input_ids", "is missing; the model is an encoder–decoder.");
        }

        if (Has("aux_loss"))
        {
            throw new CheckpointException(_path, "aux_loss", "is not compared for encoder–decoders.");
        }

        if (Generated is not null && (PromptIds is null || Generated[0] != shape.DecoderStartToken))
        {
            throw new CheckpointException(
                _path, "generated", $"does not begin with the decoder's start token {shape.DecoderStartToken}, or there are no input_ids for it.");
        }
    }

    private int[] One(string name)
    {
        var rows = Rows(name);
        return rows.Count == 1 ? rows[0] : throw new CheckpointException(_path, name, $"holds {rows.Count} sequences; one is expected.");
    }

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
