using System.Runtime.InteropServices;

namespace ExpertCluster.Moe;

/// <summary>
/// The slabs of one layer's experts on one device: experts move their weights in when loaded and leave their slots when disposed of.
/// Thread-safe, for experts are loaded on another thread than they compute on.
/// </summary>
/// <remarks>
/// A slab's memory is freed with its last expert; until then a slot that was left is taken by the next expert. So a node from which experts
/// moved away may hold memory of slots that nobody uses (docs/adr/0013).
/// </remarks>
public sealed class ExpertSlabs
{
    /// <summary>
    /// The most slots of a slab. Each group costs a grouped product some set-up, with or without rows, and a slab's memory is freed as a whole
    /// only; 64 experts are more than most nodes hold of a layer.
    /// </summary>
    public const int MaxSlots = 64;

    private readonly List<ExpertSlab> _slabs = [];
    private readonly Lock _gate = new();

    /// <summary>Slabs there are now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _slabs.Count;
            }
        }
    }

    /// <summary>Slots of all slabs, and how many of them are in use.</summary>
    public (int Slots, int Used) Room
    {
        get
        {
            lock (_gate)
            {
                return (_slabs.Sum(s => s.Slots), _slabs.Sum(s => s.Used));
            }
        }
    }

    /// <summary>
    /// Moves an expert's weights into a slot, if a grouped product can compute it from there: SwiGLU with silu in bfloat16, H and F multiples
    /// of 8 (rows of its operands begin at multiples of 16 bytes), in a libtorch that has the operator. Needs room for the weights twice while
    /// it copies; where there is none the expert stays as it is.
    /// </summary>
    /// <param name="network">The expert; disposed of where another is returned.</param>
    /// <param name="expected">How many experts of the layer shall live here in all, as far as anybody knows: the first slab gets a slot for
    /// each, later ones for those that have none.</param>
    /// <returns>The expert that computes from now on; the caller owns it.</returns>
    public IExpertNetwork Pack(IExpertNetwork network, int expected = 1)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network is not SwiGluExpert { CanBeGrouped: true, Slot: null } expert || !FixedScript.HasGroupedProduct)
        {
            return network;
        }

        if (TryTake(expert, expected) is not { } slot)
        {
            return network;
        }

        try
        {
            SwiGluExpert packed = expert.MoveTo(slot);
            expert.Dispose();
            return packed;
        }
        catch
        {
            slot.Release();
            throw;
        }
    }

    internal void Release(ExpertSlab slab, int index)
    {
        lock (_gate)
        {
            slab.Release(index);
            if (slab.Used == 0)
            {
                _slabs.Remove(slab);
                slab.Free();
            }
        }
    }

    private ExpertSlot? TryTake(SwiGluExpert expert, int expected)
    {
        lock (_gate)
        {
            foreach (ExpertSlab slab in _slabs)
            {
                if (slab.Hidden == expert.HiddenSize && slab.Width == expert.IntermediateSize && slab.Take() is >= 0 and var index)
                {
                    return new ExpertSlot(this, slab, index);
                }
            }

            int slots = Math.Clamp(expected - _slabs.Sum(s => s.Slots), 1, MaxSlots);
            try
            {
                var made = new ExpertSlab(slots, expert.HiddenSize, expert.IntermediateSize, expert.Type, expert.Device);
                _slabs.Add(made);
                return new ExpertSlot(this, made, made.Take());
            }
            catch (ExternalException)
            {
                // No room on the device for the slab: the expert computes where it lies.
                return null;
            }
        }
    }
}
