using System.Runtime.InteropServices;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// In which order the experts of a turn compute, and how. The rule: SwiGLU experts with silu go into one script call, those in a slab by
/// grouped products, a slab after the other, then those that lie by themselves; after them the other networks, one by one.
/// </summary>
internal sealed class BatchPlan
{
    private const long Single = 1L << 40;

    private const long Other = 1L << 41;

    private readonly List<long> _numbers = [];
    private readonly List<int> _ends = [];
    private readonly List<Tensor> _first = [];
    private readonly List<Tensor> _second = [];
    private readonly List<(IExpertNetwork Network, int Rows)> _others = [];

    /// <summary>Rows of the turn.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows of the script's experts, which come first.</summary>
    public int ScriptedRows { get; private set; }

    /// <summary>Ends of groups, one slab's after the other's, each slab's counted from its own first row.</summary>
    public ReadOnlySpan<int> Ends => CollectionsMarshal.AsSpan(_ends);

    /// <summary>What <see cref="ExpertScripts"/> go by.</summary>
    public ReadOnlySpan<long> Numbers => CollectionsMarshal.AsSpan(_numbers);

    /// <summary>First weights of the script's steps.</summary>
    public Tensor[] First => [.. _first];

    /// <summary>Second weights.</summary>
    public Tensor[] Second => [.. _second];

    /// <summary>Networks the script does not know, with their rows, in order.</summary>
    public IReadOnlyList<(IExpertNetwork Network, int Rows)> Others => _others;

    /// <summary>Where an expert comes among those of a turn.</summary>
    /// <param name="network">The expert.</param>
    /// <param name="ordinal">A number of its own among the experts of the batch.</param>
    public static long OrderOf(IExpertNetwork network, int ordinal) => network switch
    {
        SwiGluExpert { Slot: { } slot } => ((long)slot.Slab.Id * ExpertSlabs.MaxSlots) + slot.Index,
        SwiGluExpert { IsScripted: true } => Single + ordinal,
        _ => Other + ordinal,
    };

    /// <summary>Plans a turn.</summary>
    /// <param name="segments">All segments.</param>
    /// <param name="pieces">Those of the turn, sorted.</param>
    /// <param name="endsAt">For a number of rows, where in the staging buffer the ends begin, counted in elements.</param>
    /// <param name="perEnd">Elements that an end takes: 2 of bfloat16, 1 of float32.</param>
    public void Build(ReadOnlySpan<ExpertSegment> segments, ReadOnlySpan<StagedPiece> pieces, Func<int, long> endsAt, int perEnd)
    {
        Clear();
        foreach (StagedPiece piece in pieces)
        {
            Rows += piece.Rows;
        }

        _numbers.Add(segments[pieces[0].Segment].Network.HiddenSize);
        _numbers.Add(0);
        long start = endsAt(Rows);
        for (int at = 0; at < pieces.Length;)
        {
            IExpertNetwork network = segments[pieces[at].Segment].Network;
            if (network is SwiGluExpert { Slot.Slab: { } slab })
            {
                int groups = _ends.Count;
                int rows = AddGroups(segments, pieces, slab, ref at);
                AddStep(slab.GateAndUp, slab.Down, rows, slab.Slots, start + ((long)groups * perEnd));
                continue;
            }

            int own = 0;
            for (; at < pieces.Length && segments[pieces[at].Segment].Network == network; at++)
            {
                own += pieces[at].Rows;
            }

            if (network is SwiGluExpert { IsScripted: true } single)
            {
                AddStep(single.GateAndUp, single.Down, own, 0, 0);
            }
            else
            {
                _others.Add((network, own));
            }
        }

        _numbers[1] = ScriptedRows;
    }

    /// <summary>Forgets everything, so that no weights are held on to.</summary>
    public void Clear()
    {
        (Rows, ScriptedRows) = (0, 0);
        _numbers.Clear();
        _ends.Clear();
        _first.Clear();
        _second.Clear();
        _others.Clear();
    }

    /// <summary>The ends of a slab's groups: a slot without rows ends where the one before it does.</summary>
    private int AddGroups(ReadOnlySpan<ExpertSegment> segments, ReadOnlySpan<StagedPiece> pieces, ExpertSlab slab, ref int at)
    {
        int rows = 0;
        for (int slot = 0; slot < slab.Slots; slot++)
        {
            for (; at < pieces.Length
                && segments[pieces[at].Segment].Network is SwiGluExpert { Slot: { } own } && own.Slab == slab && own.Index == slot; at++)
            {
                rows += pieces[at].Rows;
            }

            _ends.Add(rows);
        }

        return rows;
    }

    private void AddStep(Tensor first, Tensor second, int rows, int groups, long endsAt)
    {
        _first.Add(first);
        _second.Add(second);
        _numbers.Add(rows);
        _numbers.Add(groups);
        _numbers.Add(endsAt);
        ScriptedRows += rows;
    }
}
