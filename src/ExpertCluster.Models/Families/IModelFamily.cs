namespace ExpertCluster.Models.Families;

/// <summary>A kind of model: knows how its config.json reads and what its tensors are called.</summary>
public interface IModelFamily
{
    /// <summary>The <c>model_type</c> it answers to.</summary>
    string ModelType { get; }

    /// <summary>Reads and checks a config.json of this type.</summary>
    /// <param name="config">The file.</param>
    /// <param name="generation">generation_config.json where there is one; its end tokens win.</param>
    /// <exception cref="ModelException">A key is missing, out of range, or asks for something not supported.</exception>
    ModelDefinition Define(ConfigFile config, ConfigFile? generation);

    /// <summary>
    /// What the reference implementation that wrote a config.json is known to compute wrongly, in words; null for nothing known.
    /// </summary>
    string? ReferenceDefect(ConfigFile config) => null;

    /// <summary>
    /// As <see cref="Define"/>, but computing what <see cref="ReferenceDefect"/> names as the reference does. For comparison with its
    /// answers only.
    /// </summary>
    ModelDefinition DefineLikeReference(ConfigFile config, ConfigFile? generation) => Define(config, generation);
}
