using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// Weights of several SwiGLU experts in one block each, so that one grouped product can take them all. A slot holds one expert's. Used under
/// the lock of its <see cref="ExpertSlabs"/>, but for reading the tensors.
/// </summary>
internal sealed class ExpertSlab
{
    private static int _lastId;

    private readonly bool[] _taken;
    private int _used;

    /// <summary>A slab of empty slots; what they hold is undefined, and no product reads it.</summary>
    public ExpertSlab(int slots, long hidden, long width, ScalarType type, Device device)
    {
        (Hidden, Width) = (hidden, width);
        _taken = new bool[slots];
        Id = Interlocked.Increment(ref _lastId);
        GateAndUp = empty([slots, 2 * width, hidden], type, device).DetachFromDisposeScope();
        try
        {
            Down = empty([slots, hidden, width], type, device).DetachFromDisposeScope();
        }
        catch
        {
            GateAndUp.Dispose();
            throw;
        }
    }

    /// <summary>A number no other slab of the process has.</summary>
    public int Id { get; }

    /// <summary>H.</summary>
    public long Hidden { get; }

    /// <summary>F.</summary>
    public long Width { get; }

    /// <summary>S.</summary>
    public int Slots => _taken.Length;

    /// <summary>Slots in use.</summary>
    public int Used => _used;

    /// <summary>[S,2F,H], contiguous. Transposed it is [S,H,2F] with K = H contiguous: what a grouped product takes without a copy.</summary>
    public Tensor GateAndUp { get; }

    /// <summary>[S,H,F], contiguous.</summary>
    public Tensor Down { get; }

    /// <summary>Takes the first free slot; −1 where there is none.</summary>
    public int Take()
    {
        int index = Array.IndexOf(_taken, false);
        if (index >= 0)
        {
            _taken[index] = true;
            _used++;
        }

        return index;
    }

    /// <summary>Gives a slot back.</summary>
    public void Release(int index)
    {
        _taken[index] = false;
        _used--;
    }

    /// <summary>Frees the memory.</summary>
    public void Free()
    {
        GateAndUp.Dispose();
        Down.Dispose();
    }
}
