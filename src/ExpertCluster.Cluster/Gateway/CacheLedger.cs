namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Grants KV cache as sequences grow, out of one budget, such that all come to their ends: for each sequence, the most it can come to and
/// what all younger ones hold fit together. So the oldest is never refused, and when it ends that is true of the next. A younger one may have
/// to pause meanwhile; nothing is taken back and nothing computed twice.
/// </summary>
/// <param name="budget">Bytes in all.</param>
internal sealed class CacheLedger(long budget)
{
    // Oldest first.
    private readonly List<Entry> _entries = [];

    /// <summary>Bytes granted.</summary>
    public long Held => _entries.Sum(entry => entry.Held);

    /// <summary>Takes a new sequence in, the youngest.</summary>
    /// <param name="call">Whose.</param>
    /// <param name="first">What it holds from now on.</param>
    /// <param name="most">The most it can come to, at most the budget.</param>
    /// <returns>False when there is no room for it yet.</returns>
    public bool TryJoin(GatewayCall call, long first, long most)
    {
        if (most > budget || !Fits(_entries.Count, first))
        {
            return false;
        }

        _entries.Add(new Entry(call, most) { Held = first });
        return true;
    }

    /// <summary>Grants a sequence up to so many bytes; what was granted stays so.</summary>
    /// <returns>False when it has to wait for older ones.</returns>
    public bool TryHold(GatewayCall call, long bytes)
    {
        var index = _entries.FindIndex(entry => entry.Call == call);
        var entry = _entries[index];
        if (bytes <= entry.Held)
        {
            return true;
        }

        if (!Fits(index, bytes - entry.Held))
        {
            return false;
        }

        entry.Held = bytes;
        return true;
    }

    /// <summary>A sequence is gone; what it held is free.</summary>
    public void Leave(GatewayCall call) => _entries.RemoveAll(entry => entry.Call == call);

    /// <summary>Whether all that are older than the one at an index could still end if that held so much more.</summary>
    private bool Fits(int index, long more)
    {
        var younger = more + _entries.Skip(index).Sum(entry => entry.Held);
        for (var older = index - 1; older >= 0; older--)
        {
            if (_entries[older].Most + younger > budget)
            {
                return false;
            }

            younger += _entries[older].Held;
        }

        return true;
    }

    private sealed class Entry(GatewayCall call, long most)
    {
        public GatewayCall Call { get; } = call;

        public long Most { get; } = most;

        public long Held { get; set; }
    }
}
