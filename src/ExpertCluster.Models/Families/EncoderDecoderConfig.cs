using ExpertCluster.Moe;

namespace ExpertCluster.Models.Families;

/// <summary>Reads the keys of config.json that encoder–decoder families share, each checked.</summary>
internal sealed class EncoderDecoderConfig
{
    private const int Large = 1 << 24;

    /// <summary>Keys that change what is computed, and the only values that are supported.</summary>
    private static readonly (string Key, string[] Usual)[] Meaningful =
    [
        ("is_encoder_decoder", ["true"]),
        ("is_decoder", ["false"]),
        ("num_selected_experts", []),
        ("router_dtype", ["\"float32\""]),
        ("is_gated_act", ["false"]),
        ("shared_expert_intermediate_size", ["0"]),
        ("n_shared_experts", ["0"]),
        ("attention_bias", []),
        ("norm_topk_prob", []),
        ("routed_scaling_factor", ["1"]),
        ("sliding_window", []),
        ("rope_parameters", []),
        ("rope_scaling", []),
    ];

    private readonly ConfigFile _config;
    private readonly ConfigFile? _generation;

    /// <summary>Starts reading.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="generation">generation_config.json.</param>
    /// <param name="honoured">Meaningful keys that the family reads itself.</param>
    public EncoderDecoderConfig(ConfigFile config, ConfigFile? generation, params string[] honoured)
    {
        (_config, _generation) = (config, generation);
        foreach ((string key, string[] usual) in Meaningful)
        {
            if (!honoured.Contains(key))
            {
                config.OnlyOneOf(key, usual);
            }
        }

        Hidden = Size("d_model");
        Vocabulary = Size("vocab_size");
        Experts = config.Int("num_experts", 1, 65536);
    }

    public int Hidden { get; }

    public int Vocabulary { get; }

    /// <summary>E of every sparse layer.</summary>
    public int Experts { get; }

    /// <summary>A size from 1 on that must be there.</summary>
    public int Size(string key) => _config.Int(key, 1, Large);

    /// <summary>A size from 1 on, or a default.</summary>
    public int Size(string key, int absent) => _config.OptionalInt(key, 1, Large) ?? absent;

    /// <summary>Number of layers of a stack.</summary>
    public int Layers(string key) => _config.Int(key, 1, 32768);

    /// <summary>A token id, or a default.</summary>
    public int Token(string key, int absent) => _config.OptionalInt(key, 0, Vocabulary - 1) ?? absent;

    /// <summary>An activation by its name.</summary>
    public Activation Activation(string key, string absent)
    {
        string name = _config.Text(key) ?? absent;
        return Activations.TryParse(name, out Activation activation)
            ? activation
            : throw _config.Error(key, $"is \"{name}\", which is not supported; supported are {string.Join(", ", Activations.Names)}.");
    }

    /// <summary>Sizes for planning.</summary>
    public ModelShape Shape(
        string family, (int Layers, IEnumerable<int> Sparse) encoder, (int Layers, IEnumerable<int> Sparse) decoder, int topK, int expertWidth,
        int maxContext, int start, int end)
    {
        int[] sparse = [.. encoder.Sparse, .. decoder.Sparse.Select(layer => encoder.Layers + layer)];
        ConfigFile? ends = _generation is not null && _generation.Has("eos_token_id") ? _generation : _config;
        IReadOnlyList<int> endTokens = ends.Ints("eos_token_id", 0, Vocabulary - 1);
        return new ModelShape
        {
            Family = family,
            Layers = encoder.Layers + decoder.Layers,
            EncoderLayers = encoder.Layers,
            MoeLayers = sparse.Length > 0 ? sparse : throw _config.Error("num_experts", "leaves no layer with experts."),
            ExpertsPerLayer = Experts,
            ExpertsPerToken = topK,
            HiddenSize = Hidden,
            IntermediateSize = expertWidth,
            VocabularySize = Vocabulary,
            MaxContext = maxContext,
            EndTokens = endTokens.Count > 0 ? endTokens : [end],
            BeginToken = _config.OptionalInt("bos_token_id", 0, Vocabulary - 1),
            DecoderStartToken = GenerationToken("decoder_start_token_id") ?? start,
            ForcedFirstToken = GenerationToken("forced_bos_token_id"),
        };
    }

    private int? GenerationToken(string key) =>
        _generation?.OptionalInt(key, 0, Vocabulary - 1) ?? _config.OptionalInt(key, 0, Vocabulary - 1);
}
