namespace ExpertCluster.Models.Families;

/// <summary>
/// DeepSeek-V3 and -R1 (arXiv:2412.19437), <c>model_type</c> deepseek_v3: sigmoid gate with a correction bias for choosing, limited
/// to the groups with the best pair, weights from uncorrected scores. The layers for predicting further tokens
/// (<c>num_nextn_predict_layers</c>), which come after num_hidden_layers, are not loaded.
/// </summary>
public sealed class DeepSeekV3Family : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "deepseek_v3";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        config.OnlyOneOf("scoring_func", "\"sigmoid\"");
        config.OnlyOneOf("topk_method", "\"noaux_tc\"");
        return DeepSeekConfig.Define(
            ModelType,
            config,
            generation,
            rule => DeepSeekConfig.Groups(config, rule) with
            {
                Sigmoid = true,
                GroupByTwoBest = true,
                Normalise = config.Flag("norm_topk_prob", true),
                Scale = config.Number("routed_scaling_factor", 1e-6, 1e6, 2.5),
            },
            correction: "e_score_correction_bias",
            firstDense: 3);
    }
}
