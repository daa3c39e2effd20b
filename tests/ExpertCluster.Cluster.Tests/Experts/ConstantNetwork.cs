using ExpertCluster.Moe;
using TorchSharp;

namespace ExpertCluster.Cluster.Tests.Experts;

/// <summary>Answers every row with one value and notes how many rows it got; NaN makes it fail.</summary>
internal sealed class ConstantNetwork(int index, float value, List<(int Expert, int Rows)> products) : IExpertNetwork
{
    public int HiddenSize { get; init; } = 2;

    public long Bytes => 0;

    public torch.ScalarType Type => torch.ScalarType.Float32;

    public torch.Tensor Forward(torch.Tensor rows)
    {
        products.Add((index, (int)rows.shape[0]));
        return float.IsNaN(value) ? throw new InvalidOperationException("told to fail") : torch.full_like(rows, value);
    }

    public void Dispose()
    {
    }
}
