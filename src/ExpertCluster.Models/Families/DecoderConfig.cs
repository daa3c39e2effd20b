using ExpertCluster.Moe;

namespace ExpertCluster.Models.Families;

/// <summary>Reads the keys of config.json that decoder-only families share, each checked.</summary>
internal sealed class DecoderConfig
{
    private const int Large = 1 << 24;

    /// <summary>Keys that this class reads for every family, and keys that say nothing about what is computed.</summary>
    private static readonly string[] Shared =
    [
        "model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
        "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id", "architectures",
        "dtype", "torch_dtype", "transformers_version", "use_cache", "initializer_range", "layer_types",
    ];

    private static readonly string[] ExpertsSpellings = ["num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"];

    private static readonly string[] TopKSpellings = ["num_experts_per_tok", "experts_per_token", "num_experts_per_token", "num_selected_experts"];

    private readonly ConfigFile _config;
    private readonly ConfigFile? _generation;

    /// <summary>Starts reading.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="generation">generation_config.json.</param>
    /// <param name="honoured">
    /// <see cref="MeaningfulKeys"/> that the family reads itself; all others must be harmless. <c>layer_types</c> is, where every layer has
    /// full attention.
    /// </param>
    /// <exception cref="ModelException">One has not.</exception>
    public DecoderConfig(ConfigFile config, ConfigFile? generation, params string[] honoured)
    {
        _config = config;
        _generation = generation;
        MeaningfulKeys.CheckDecoder(config, [.. honoured, "layer_types"]);
        Hidden = Size("hidden_size");
        Layers = config.Int("num_hidden_layers", 1, 65536);
        Heads = Size("num_attention_heads");
        KvHeads = config.OptionalInt("num_key_value_heads", 1, Large) ?? Heads;
        if (Heads % KvHeads != 0)
        {
            throw config.Error("num_key_value_heads", $"is {KvHeads}, which does not divide num_attention_heads {Heads}.");
        }

        MaxContext = config.Int("max_position_embeddings", 1, int.MaxValue);
        Vocabulary = Size("vocab_size");
        if (!honoured.Contains("layer_types") && Windows() is { } windows && windows.Contains(true))
        {
            throw config.Error("layer_types", "names sliding_attention, which is not supported here; only full_attention in every layer is.");
        }
    }

    public int Hidden { get; }

    public int Layers { get; }

    public int Heads { get; }

    public int KvHeads { get; }

    public int MaxContext { get; }

    public int Vocabulary { get; }

    /// <summary>Refuses every key but these and those of all decoders: for a family whose config.json is this project's own.</summary>
    /// <exception cref="ModelException">There is another.</exception>
    public void RefuseOthers(params string[] known)
    {
        if (_config.Keys.FirstOrDefault(key => !known.Contains(key) && !Shared.Contains(key)) is { } other)
        {
            throw _config.Error(other, $"is not known for model_type {_config.Text("model_type")}; remove it if it changes nothing.");
        }
    }

    /// <summary>An activation by its name in config.json.</summary>
    public Activation Activation(string key, Activation absent) => _config.Text(key) is not { } name
        ? absent
        : Activations.TryParse(name, out Activation activation)
            ? activation
            : throw _config.Error(key, $"is \"{name}\", which is not known; known are: {string.Join(", ", Activations.Names)}.");

    /// <summary>A size from 1 on that must be there.</summary>
    public int Size(string key) => _config.Int(key, 1, Large);

    /// <summary>head_dim, or hidden size ÷ heads.</summary>
    /// <param name="rotary">Whether heads are rotated and so must be even.</param>
    public int HeadDim(bool rotary = true)
    {
        int? given = _config.OptionalInt("head_dim", rotary ? 2 : 1, Large);
        if (given is null && Hidden % Heads != 0)
        {
            throw _config.Error("num_attention_heads", $"is {Heads}, which does not divide hidden_size {Hidden}, and head_dim is not given.");
        }

        int headDim = given ?? Hidden / Heads;
        return !rotary || headDim % 2 == 0 ? headDim : throw _config.Error("head_dim", $"is {headDim}; rotary embedding needs an even one.");
    }

    /// <summary>Number of experts under the first of some keys that is there.</summary>
    /// <exception cref="ModelException">None is, or another spelling says something else.</exception>
    public int Experts(params string[] keys)
    {
        string key = keys.FirstOrDefault(_config.Has) ?? keys[0];
        int experts = _config.Int(key, 1, 65536);
        Agree(ExpertsSpellings, experts, key);
        return experts;
    }

    /// <summary>Experts per token under the first of some keys that is there, or a default.</summary>
    /// <exception cref="ModelException">More than experts, or another spelling says something else.</exception>
    public int TopK(int experts, int? absent, params string[] keys)
    {
        string key = keys.FirstOrDefault(_config.Has) ?? keys[0];
        int topK = _config.OptionalInt(key, 1, experts) ?? absent ?? throw _config.Missing(key);
        Agree(TopKSpellings, topK, key);
        return topK;
    }

    /// <summary>The width of experts in families whose experts alone have <c>intermediate_size</c>.</summary>
    /// <exception cref="ModelException">It is missing, or moe_intermediate_size says something else.</exception>
    public int ExpertWidth()
    {
        int width = Size("intermediate_size");
        Agree(["moe_intermediate_size"], width, "intermediate_size");
        return width;
    }

    /// <summary>The window of every layer, for families that know no other; null for none.</summary>
    /// <exception cref="ModelException">Keys contradict each other.</exception>
    public int? Window()
    {
        if (!_config.Flag("use_sliding_window", true))
        {
            return null;
        }

        int? window = _config.OptionalInt("sliding_window", 1, int.MaxValue);
        if (window is null)
        {
            return _config.Has("use_sliding_window") ? throw _config.Error("use_sliding_window", "is true while sliding_window is missing.") : null;
        }

        return _config.Has("layer_types")
            ? throw _config.Error("layer_types", "names only full_attention beside a sliding_window; remove one of them.")
            : window;
    }

    /// <summary>What heads, norms, rotation and head are, without windows.</summary>
    public DecoderSpec Spec(int headDim, double theta, double epsilon) =>
        Spec(headDim, RopeConfig.Read(_config, headDim, theta, MaxContext), epsilon);

    /// <summary>What heads, norms and head are, with a given rotation or none.</summary>
    public DecoderSpec Spec(int headDim, RopeSpec? rope, double epsilon) => new()
    {
        Heads = Heads,
        KvHeads = KvHeads,
        HeadDim = headDim,
        NormEpsilon = _config.Number("rms_norm_eps", 1e-20, 1, epsilon),
        Rope = rope,
        TiedHead = _config.Flag("tie_word_embeddings", false),
    };

    /// <summary>Sizes for planning.</summary>
    public ModelShape Shape(string family, int[] moeLayers, RouterRule rule, int expertWidth) => new()
    {
        Family = family,
        Layers = Layers,
        MoeLayers = moeLayers.Length > 0 ? moeLayers : throw _config.Error("num_hidden_layers", "leaves no layer with experts."),
        ExpertsPerLayer = rule.Experts,
        ExpertsPerToken = rule.TopK,
        HiddenSize = Hidden,
        IntermediateSize = expertWidth,
        VocabularySize = Vocabulary,
        MaxContext = MaxContext,
        EndTokens = _generation is not null && _generation.Has("eos_token_id")
            ? _generation.Ints("eos_token_id", 0, Vocabulary - 1)
            : _config.Ints("eos_token_id", 0, Vocabulary - 1),
        BeginToken = _config.OptionalInt("bos_token_id", 0, Vocabulary - 1),
    };

    /// <summary>All layers.</summary>
    public int[] AllLayers() => [.. Enumerable.Range(0, Layers)];

    /// <summary>Qwen's choice of layers with experts: every decoder_sparse_step-th but those of mlp_only_layers.</summary>
    public int[] SparseLayers()
    {
        int step = _config.OptionalInt("decoder_sparse_step", 1, 65536) ?? 1;
        IReadOnlyList<int> dense = _config.Ints("mlp_only_layers", 0, Layers - 1);
        return [.. Enumerable.Range(0, Layers).Where(layer => (layer + 1) % step == 0 && !dense.Contains(layer))];
    }

    /// <summary>Which layers layer_types gives a sliding window; null where it is absent.</summary>
    public bool[]? Windows()
    {
        if (_config.Texts("layer_types") is not { } types)
        {
            return null;
        }

        if (types.Count != Layers)
        {
            throw _config.Error("layer_types", $"has {types.Count} entries for {Layers} layers.");
        }

        return [.. types.Select(type => type switch
        {
            "sliding_attention" => true,
            "full_attention" => false,
            _ => throw _config.Error("layer_types", $"holds \"{type}\", which is not known; known are full_attention, sliding_attention."),
        })];
    }

    private void Agree(ReadOnlySpan<string> spellings, int value, string key)
    {
        foreach (string spelling in spellings)
        {
            MeaningfulKeys.Agree(_config, spelling, value, key);
        }
    }
}
