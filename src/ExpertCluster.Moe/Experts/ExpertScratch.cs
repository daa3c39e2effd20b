using System.Runtime.InteropServices;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>A tensor of an <see cref="ExpertWorkspace"/>, and views of its halves. Disposing gives it back.</summary>
public sealed class ExpertScratch : IDisposable
{
    private readonly Action? _givenBack;
    private readonly Tensor? _left;
    private readonly Tensor? _right;

    /// <param name="all">The tensor.</param>
    /// <param name="half">Columns of a half; 0 for no halves.</param>
    /// <param name="givenBack">Called when its tensors are freed on disposal; null for one that is kept.</param>
    internal ExpertScratch(Tensor all, int half, Action? givenBack)
    {
        All = all.DetachFromDisposeScope();
        _givenBack = givenBack;
        if (half > 0)
        {
            _left = all.narrow(1, 0, half).DetachFromDisposeScope();
            _right = all.narrow(1, half, half).DetachFromDisposeScope();
        }
    }

    /// <summary>Float32 [rows, columns], contiguous.</summary>
    public Tensor All { get; }

    /// <summary>Its first columns, [rows, columns ÷ 2].</summary>
    /// <exception cref="InvalidOperationException">It was taken without halves.</exception>
    public Tensor Left => _left ?? throw NoHalves();

    /// <summary>Its last columns, [rows, columns ÷ 2].</summary>
    /// <exception cref="InvalidOperationException">It was taken without halves.</exception>
    public Tensor Right => _right ?? throw NoHalves();

    /// <summary>The values where they lie, row-major.</summary>
    internal Span<float> Values => MemoryMarshal.Cast<byte, float>(All.bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_givenBack is not null)
        {
            Free();
            _givenBack();
        }
    }

    internal void Free()
    {
        _left?.Dispose();
        _right?.Dispose();
        All.Dispose();
    }

    private static InvalidOperationException NoHalves() => new("Its halves were not asked for.");
}
