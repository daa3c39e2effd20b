namespace ExpertCluster.Moe;

/// <summary>An expert's place in a slab.</summary>
/// <param name="owner">Whose slab it is.</param>
/// <param name="slab">The slab.</param>
/// <param name="index">Which slot.</param>
internal sealed class ExpertSlot(ExpertSlabs owner, ExpertSlab slab, int index)
{
    private int _released;

    /// <summary>The slab.</summary>
    public ExpertSlab Slab => slab;

    /// <summary>Which slot of it.</summary>
    public int Index => index;

    /// <summary>Gives the slot back; once is enough, more does nothing.</summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
        {
            owner.Release(slab, index);
        }
    }
}
