using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>What a router computed from the rows.</summary>
/// <param name="Logits">[T,E], float32 or float64.</param>
/// <param name="Spread">[T,E], the logits of the noise's scale (<c>x·W_noise</c>), or null for a router that learns no noise.</param>
public sealed record RouterOutput(Tensor Logits, Tensor? Spread = null);
