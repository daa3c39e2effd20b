using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>What a gate decides about.</summary>
/// <param name="Rows">[T,H], any floating-point type.</param>
public sealed record GateInput(Tensor Rows)
{
    /// <summary>Int64 [T], for gates that route by token id.</summary>
    public Tensor? TokenIds { get; init; }

    /// <summary>Index of the task, for gates with a router per task.</summary>
    public int Task { get; init; }
}
