namespace ExpertCluster.Models.Families;

/// <summary>
/// DeepSeek-V2 (arXiv:2405.04434), <c>model_type</c> deepseek_v2: softmax gate, greedy or limited to the groups with the best expert,
/// weights times <c>routed_scaling_factor</c>. Under YaRN with mscale_all_dim the scores are scaled as the published model code does.
/// </summary>
public sealed class DeepSeekV2Family : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "deepseek_v2";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        config.OnlyOneOf("scoring_func", "\"softmax\"");
        config.OnlyOneOf("topk_method", "\"greedy\"", "\"group_limited_greedy\"");

        // The published code then leaves the scaling factor out and the reference ignores the key: no telling which is meant.
        config.OnlyOneOf("norm_topk_prob", "false");
        config.OnlyOneOf("rope_interleave", "true");
        bool grouped = config.Text("topk_method") == "group_limited_greedy";
        if (!grouped)
        {
            config.OnlyOneOf("n_group", "1");
            config.OnlyOneOf("topk_group", "1");
        }

        return DeepSeekConfig.Define(
            ModelType,
            config,
            generation,
            rule => (grouped ? DeepSeekConfig.Groups(config, rule) : rule) with { Scale = config.Number("routed_scaling_factor", 1e-6, 1e6, 1) },
            correction: null,
            firstDense: 0);
    }
}
