using ExpertCluster.Moe;

namespace ExpertCluster.Models.Families;

/// <summary>Reads the keys of config.json that encoder–decoder families share, each checked.</summary>
internal sealed class EncoderDecoderConfig
{
    private const int Large = 1 << 24;

    private readonly ConfigFile _config;
    private readonly ConfigFile? _generation;

    /// <summary>Starts reading.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="generation">generation_config.json.</param>
    /// <param name="honoured"><see cref="MeaningfulKeys"/> that the family reads itself; all others must be harmless.</param>
    public EncoderDecoderConfig(ConfigFile config, ConfigFile? generation, params string[] honoured)
    {
        (_config, _generation) = (config, generation);
        MeaningfulKeys.CheckEncoderDecoder(config, honoured);
        Hidden = Size("d_model");
        Vocabulary = Size("vocab_size");
        Experts = config.Int("num_experts", 1, 65536);
        Agree("hidden_size", Hidden, "d_model");
        Agree("num_local_experts", Experts, "num_experts");
        Agree("n_routed_experts", Experts, "num_experts");
    }

    public int Hidden { get; }

    public int Vocabulary { get; }

    /// <summary>E of every sparse layer.</summary>
    public int Experts { get; }

    /// <summary>A size from 1 on that must be there.</summary>
    public int Size(string key) => _config.Int(key, 1, Large);

    /// <summary>A size from 1 on, or a default.</summary>
    public int Size(string key, int absent) => _config.OptionalInt(key, 1, Large) ?? absent;

    /// <summary>Refuses a key for what is known already, unless it says the same.</summary>
    /// <exception cref="ModelException">It doesn't.</exception>
    public void Agree(string key, int value, string means) => MeaningfulKeys.Agree(_config, key, value, means);

    /// <summary>Refuses another number of experts per token than a family has.</summary>
    /// <exception cref="ModelException">The config asks for one.</exception>
    public void AgreeTopK(int topK)
    {
        foreach (string key in (ReadOnlySpan<string>)["num_experts_per_tok", "experts_per_token", "num_selected_experts"])
        {
            Agree(key, topK, "the experts per token of this model_type");
        }
    }

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
