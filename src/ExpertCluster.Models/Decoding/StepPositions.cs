using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>Where the rows of a step stand, in the form that the attention of its model needs. Owns its tensors.</summary>
internal sealed class StepPositions : IDisposable
{
    /// <summary>Cosines of the rows' positions, [T,1,r]; null without rotary embedding.</summary>
    public Tensor? Cos { get; init; }

    /// <summary>Signed sines of the rows' positions, [T,1,r]; null without rotary embedding.</summary>
    public Tensor? Sin { get; init; }

    /// <summary>Bucket of each distance, int64, from <see cref="Past"/> − 1 falling by one a column; null without relative bias.</summary>
    public Tensor? Buckets { get; init; }

    /// <summary>Column of <see cref="Buckets"/> after that of distance 0.</summary>
    public int Past { get; init; }

    public void Dispose()
    {
        Cos?.Dispose();
        Sin?.Dispose();
        Buckets?.Dispose();
    }
}
