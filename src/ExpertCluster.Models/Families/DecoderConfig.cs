using ExpertCluster.Moe;

namespace ExpertCluster.Models.Families;

/// <summary>Reads the keys of config.json that decoder-only families share, each checked.</summary>
internal sealed class DecoderConfig
{
    private const int Large = 1 << 24;

    /// <summary>Keys that change what is computed, and the values that mean "as usual". A family names those it honours.</summary>
    private static readonly (string Key, string[] Usual)[] Meaningful =
    [
        ("hidden_act", ["\"silu\""]),
        ("attention_bias", ["false"]),
        ("qkv_bias", ["false"]),
        ("mlp_bias", ["false"]),
        ("router_bias", ["false"]),
        ("clip_qkv", []),
        ("qk_layernorm", ["false"]),
        ("sliding_window", []),
        ("use_sliding_window", ["false"]),
        ("layer_types", []),
        ("mlp_only_layers", ["[]"]),
        ("decoder_sparse_step", ["1"]),
        ("moe_layer_freq", ["1"]),
        ("first_k_dense_replace", ["0"]),
        ("n_shared_experts", ["0"]),
        ("shared_expert_intermediate_size", ["0"]),
        ("norm_topk_prob", []),
        ("routed_scaling_factor", ["1"]),
        ("scoring_func", ["\"softmax\""]),
        ("topk_method", ["\"greedy\""]),
        ("n_group", ["1"]),
        ("topk_group", ["1"]),
        ("rope_interleave", ["false"]),
        ("swiglu_limit", []),
        ("q_lora_rank", []),
        ("kv_lora_rank", []),
        ("scale_embedding", ["false"]),
        ("normalize_router_prob_before_dropping", ["false"]),
        ("is_encoder_decoder", ["false"]),
        ("add_cross_attention", ["false"]),
        ("embedding_multiplier", ["1"]),
        ("residual_multiplier", ["1"]),
        ("attention_multiplier", []),
        ("logits_scaling", ["1"]),
        ("attn_logit_softcapping", []),
        ("moe_every", ["1"]),
        ("expert_act", []),
        ("relative_attention_num_buckets", []),
        ("relative_attention_max_distance", []),
        ("final_logit_softcapping", []),
    ];

    /// <summary>Keys that this class reads for every family, and keys that say nothing about what is computed.</summary>
    private static readonly string[] Shared =
    [
        "model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
        "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id", "architectures",
        "dtype", "torch_dtype", "transformers_version", "use_cache", "initializer_range",
    ];

    private readonly ConfigFile _config;
    private readonly ConfigFile? _generation;

    /// <summary>Starts reading.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="generation">generation_config.json.</param>
    /// <param name="honoured">Meaningful keys that the family reads itself; all others must have their usual value.</param>
    /// <exception cref="ModelException">One has not.</exception>
    public DecoderConfig(ConfigFile config, ConfigFile? generation, params string[] honoured)
    {
        _config = config;
        _generation = generation;
        foreach ((string key, string[] usual) in Meaningful)
        {
            if (!honoured.Contains(key))
            {
                config.OnlyOneOf(key, usual);
            }
        }

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
    public int Experts(params string[] keys) => _config.Int(keys.FirstOrDefault(_config.Has) ?? keys[0], 1, 65536);

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
}
