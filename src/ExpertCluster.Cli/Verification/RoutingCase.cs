namespace ExpertCluster.Cli.Verification;

/// <summary>One case of a routing golden: the key's parts without the tensor.</summary>
/// <param name="Key">Everything before the tensor's name.</param>
/// <param name="Source">Whose code answered.</param>
/// <param name="Tokens">T of a group.</param>
/// <param name="Experts">E.</param>
/// <param name="Choices">K.</param>
/// <param name="Capacity">Slots per expert, where the key says them.</param>
/// <param name="Factor">Capacity factor, where the key says it.</param>
/// <param name="BatchPriority">Whether tokens with larger gates come first.</param>
internal sealed record RoutingCase(
    string Key, string Source, int Tokens, int Experts, int Choices, int? Capacity, double? Factor, bool BatchPriority)
{
    /// <summary>Names of the case's tensors.</summary>
    public List<string> Tensors { get; } = [];

    /// <summary>The full name of a tensor.</summary>
    public string Name(string tensor) => $"{Key}.{tensor}";
}
