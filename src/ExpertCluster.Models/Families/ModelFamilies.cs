namespace ExpertCluster.Models.Families;

/// <summary>The families this program knows. A new one is a class here and a line in <see cref="All"/>.</summary>
public static class ModelFamilies
{
    /// <summary>All families.</summary>
    public static IReadOnlyList<IModelFamily> All { get; } =
    [
        new MixtralFamily(), new OlmoeFamily(), new Qwen2MoeFamily(), new Qwen3MoeFamily(), new GptOssFamily(), new DeepSeekV2Family(),
        new DeepSeekV3Family(), new SwitchTransformersFamily(), new NllbMoeFamily(), new GlamFamily(),
    ];

    /// <summary>Finds the family of a config.json.</summary>
    /// <exception cref="ModelException"><c>model_type</c> is missing or not known; the known ones are listed.</exception>
    public static IModelFamily Of(ConfigFile config)
    {
        string type = config.Text("model_type") ?? throw config.Missing("model_type");
        return All.FirstOrDefault(family => family.ModelType == type)
            ?? throw config.Error("model_type", $"is \"{type}\", which is not known; known are: {string.Join(", ", All.Select(f => f.ModelType))}.");
    }
}
