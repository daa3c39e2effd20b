using ExpertCluster.Moe.Routing;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>What a mixture layer gave.</summary>
/// <param name="Rows">[T,H].</param>
/// <param name="Routing">The gate's decision, with its losses.</param>
public sealed record MixtureOutput(Tensor Rows, GateResult Routing);
