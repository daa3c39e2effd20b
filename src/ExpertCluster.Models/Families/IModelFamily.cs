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
}
