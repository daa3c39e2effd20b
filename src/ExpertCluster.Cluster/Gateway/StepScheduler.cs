using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Decides which requests become active, and what each active sequence gives to a step: its token where it generates, and of its prompt
/// what its turns give it. It starts nothing and knows no time; the gateway's actor does as it says.
/// </summary>
/// <param name="options">Limits.</param>
/// <param name="sizes">What the KV caches of requests take.</param>
internal sealed class StepScheduler(GatewayOptions options, ICacheSizes sizes)
{
    private readonly WaitingRoom _waiting = new();
    private readonly List<GatewayCall> _active = [];
    private readonly PrefillTurns _turns = new(options.PrefillChunk);
    private readonly CacheLedger _cache = new(options.KvCacheBytes);
    private bool _encodedLast;
    private int _inFlight;
    private long _formed;

    /// <summary>Sequences that compute.</summary>
    public IReadOnlyList<GatewayCall> Active => _active;

    /// <summary>Requests that wait.</summary>
    public IEnumerable<GatewayCall> Waiting => _waiting.Calls;

    /// <summary>How many wait.</summary>
    public int WaitingCount => _waiting.Count;

    /// <summary>Bytes of KV cache granted.</summary>
    public long CacheBytes => _cache.Held;

    /// <summary>
    /// Two steps at once, each with half of the sequences: while one waits for its experts, the other has the device. What is captured is
    /// computed with nothing beside it.
    /// </summary>
    private bool Overlaps => options.OverlapSequences > 0 && _active.Count >= Math.Max(2, options.OverlapSequences)
        && !_active.Exists(call => call.Capture is not null);

    private int MostOfOneClient => (int)Math.Ceiling(options.MaxQueued * options.ClientQueueShare);

    /// <summary>Takes a request, to start it now or later.</summary>
    /// <param name="call">The request.</param>
    /// <param name="started">What becomes active.</param>
    /// <returns>Null, or why it is refused.</returns>
    public string? Accept(GatewayCall call, out IReadOnlyList<GatewayCall> started)
    {
        _waiting.Add(call);
        started = Admit();
        if (started.Contains(call))
        {
            return null;
        }

        string? refusal = null;
        if (_waiting.Count > options.MaxQueued)
        {
            refusal = $"{_active.Count} sequences are active and {_waiting.Count - 1} wait "
                + "(ExpertCluster:Gateway:MaxActive, MaxQueued, KvCacheBytes).";
        }
        else if (_waiting.CountOf(call.Client) > MostOfOneClient)
        {
            refusal = $"{_waiting.CountOf(call.Client) - 1} requests of this client wait, its share of the queue "
                + "(ExpertCluster:Gateway:ClientQueueShare of MaxQueued).";
        }

        if (refusal is not null)
        {
            _waiting.Refuse(call);
        }

        return refusal;
    }

    /// <summary>Makes requests active while there is room, clients in turn. The next in turn is never passed over, however large.</summary>
    /// <returns>Those that became active.</returns>
    public IReadOnlyList<GatewayCall> Admit()
    {
        List<GatewayCall> started = [];
        while (_active.Count < options.MaxActive && _waiting.Next(_turns.ActiveOf) is { } call)
        {
            if (!_cache.TryJoin(call, sizes.AtStart(call), sizes.Longest(call)))
            {
                break;
            }

            _waiting.Take(call);
            _active.Add(call);
            _turns.Join(call);
            started.Add(call);
        }

        return started;
    }

    /// <summary>
    /// Forms a step of all active sequences, or of about half of them where another may compute beside it; empty when nothing more is to be
    /// computed now. Its sequences are the step's until <see cref="EndStep"/>.
    /// </summary>
    public IReadOnlyList<StepPiece> FormStep()
    {
        var pieces = _inFlight < (Overlaps ? 2 : 1) ? Choose() : [];
        if (pieces.Count > 0)
        {
            _inFlight++;
            _formed++;
        }

        foreach (var piece in pieces)
        {
            piece.Call.InStep = true;
            piece.Call.LastStep = _formed;
        }

        return pieces;
    }

    /// <summary>A step is over, however it ended.</summary>
    public void EndStep(IEnumerable<GatewayCall> calls)
    {
        _inFlight--;
        foreach (var call in calls)
        {
            call.InStep = false;
        }
    }

    /// <summary>Lets go of all that are over and in no step.</summary>
    /// <returns>Those that were active.</returns>
    public IReadOnlyList<GatewayCall> RemoveOver()
    {
        _waiting.RemoveOver();
        var over = _active.FindAll(call => call.IsOver && !call.InStep);
        foreach (var call in over)
        {
            _active.Remove(call);
            _turns.Leave(call);
            _cache.Leave(call);
        }

        return over;
    }

    private IReadOnlyList<StepPiece> Choose()
    {
        // What is captured must be one sequence's alone, and in one piece.
        if (_active.Find(call => call.Capture is not null) is { } captured)
        {
            return captured.AwaitsEncoder
                ? [new StepPiece(captured, captured.Source.Count, Encode: true)]
                : [new StepPiece(captured, Math.Min(captured.Left, captured.MaxPiece))];
        }

        // The oldest come first here, and so to the cache.
        var idle = _active.FindAll(call => !call.InStep && !call.IsOver && HasRoom(call));
        var sources = idle.FindAll(call => call.AwaitsEncoder);
        var others = idle.FindAll(call => !call.AwaitsEncoder && call.Left > 0);

        // Encoder and decoder cannot share a step; they alternate, lest new sources keep everybody else from going on.
        _encodedLast = sources.Count > 0 && (others.Count == 0 || !_encodedLast);
        return _encodedLast ? Sources(sources) : Tokens(others);
    }

    /// <summary>Room for what is to be fed was granted at the start; only what a sequence generates may have to wait for it.</summary>
    private bool HasRoom(GatewayCall call) => call.AwaitsEncoder || IsPrompt(call) || _cache.TryHold(call, sizes.After(call, 1));

    /// <summary>An encoder looks both ways, so it reads a source whole: the first in turn in any case, others while the budget lasts.</summary>
    private List<StepPiece> Sources(List<GatewayCall> sources)
    {
        List<StepPiece> pieces = [];
        var budget = options.PrefillTokens;
        foreach (var call in _turns.InOrder(sources))
        {
            if (pieces.Count > 0 && call.Source.Count > budget)
            {
                break;
            }

            budget -= call.Source.Count;
            pieces.Add(new StepPiece(call, call.Source.Count, Encode: true));
        }

        pieces.ForEach(piece => _turns.Serve(piece.Call));
        return pieces;
    }

    private List<StepPiece> Tokens(List<GatewayCall> idle)
    {
        // Halves are halves of the work: of those that generate as many, and for the prompts half of the budget.
        var (parts, budget) = Overlaps ? (2, Math.Max(1, options.PrefillTokens / 2)) : (1, options.PrefillTokens);
        var generating = _active.Count(call => !call.AwaitsEncoder && !IsPrompt(call));
        var shares = _turns.Share(idle.Where(IsPrompt).Select(call => (call, Math.Min(call.Left, call.MaxPiece))), budget);
        return
        [
            .. idle.Where(call => !IsPrompt(call)).OrderBy(call => call.LastStep).Take((generating + parts - 1) / parts)
                .Select(call => new StepPiece(call, 1)),
            .. idle.Where(shares.ContainsKey).Select(call => new StepPiece(call, shares[call])),
        ];
    }

    private static bool IsPrompt(GatewayCall call) => Math.Min(call.Left, call.MaxPiece) > 1;
}
