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
        ("final_logit_softcapping", []),
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

    /// <summary>A size from 1 on that must be there.</summary>
    public int Size(string key) => _config.Int(key, 1, Large);

    /// <summary>head_dim, or hidden size ÷ heads.</summary>
    public int HeadDim()
    {
        int? given = _config.OptionalInt("head_dim", 2, Large);
        if (given is null && Hidden % Heads != 0)
        {
            throw _config.Error("num_attention_heads", $"is {Heads}, which does not divide hidden_size {Hidden}, and head_dim is not given.");
        }

        int headDim = given ?? Hidden / Heads;
        return headDim % 2 == 0 ? headDim : throw _config.Error("head_dim", $"is {headDim}; rotary embedding needs an even one.");
    }

    /// <summary>Number of experts under the first of some keys that is there.</summary>
    public int Experts(params string[] keys) => _config.Int(keys.FirstOrDefault(_config.Has) ?? keys[0], 1, 65536);

    /// <summary>What heads, norms, rotation and head are, without windows.</summary>
    public DecoderSpec Spec(int headDim, double theta, double epsilon) => new()
    {
        Heads = Heads,
        KvHeads = KvHeads,
        HeadDim = headDim,
        NormEpsilon = _config.Number("rms_norm_eps", 1e-20, 1, epsilon),
        Rope = RopeConfig.Read(_config, headDim, theta, MaxContext),
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
