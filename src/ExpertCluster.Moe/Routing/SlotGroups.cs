using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Kept slots grouped by expert: groups of any size, no padding (Gale et al. 2022, "MegaBlocks", arXiv:2211.15841).</summary>
/// <param name="Order">Int64 [n], flat slot indices, those of expert 0 first and ascending within an expert.</param>
/// <param name="Counts">[E] slots of each expert; they sum to n.</param>
public sealed record SlotGroups(Tensor Order, long[] Counts);
