using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Decides which requests become active, and what each active sequence gives to a step: its token where it generates, and of its prompt
/// what its turns give it. It starts nothing and knows no time; the gateway's actor does as it says.
/// </summary>
/// <param name="options">Limits.</param>
/// <param name="cacheBytes">What the KV cache of a request can come to.</param>
internal sealed class StepScheduler(GatewayOptions options, Func<GatewayCall, long> cacheBytes)
{
    private readonly WaitingRoom _waiting = new();
    private readonly List<GatewayCall> _active = [];
    private readonly PrefillTurns _turns = new(options.PrefillChunk);
    private bool _encodedLast;

    /// <summary>Sequences that compute.</summary>
    public IReadOnlyList<GatewayCall> Active => _active;

    /// <summary>Requests that wait.</summary>
    public IEnumerable<GatewayCall> Waiting => _waiting.Calls;

    /// <summary>How many wait.</summary>
    public int WaitingCount => _waiting.Count;

    /// <summary>Bytes of KV cache reserved.</summary>
    public long ReservedBytes { get; private set; }

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
            var bytes = cacheBytes(call);
            if (ReservedBytes + bytes > options.KvCacheBytes)
            {
                break;
            }

            _waiting.Take(call);
            ReservedBytes += bytes;
            call.ReservedBytes = bytes;
            _active.Add(call);
            _turns.Join(call);
            started.Add(call);
        }

        return started;
    }

    /// <summary>Forms a step of all active sequences; empty when nothing is to be computed.</summary>
    public IReadOnlyList<StepPiece> FormStep()
    {
        // What is captured must be one sequence's alone, and in one piece.
        if (_active.Find(call => call.Capture is not null) is { } captured)
        {
            return captured.AwaitsEncoder
                ? [new StepPiece(captured, captured.Source.Count, Encode: true)]
                : [new StepPiece(captured, Math.Min(captured.Left, captured.MaxPiece))];
        }

        var sources = _active.Where(call => call.AwaitsEncoder).ToList();
        var others = _active.Where(call => !call.AwaitsEncoder && call.Left > 0).ToList();

        // Encoder and decoder cannot share a step; they alternate, lest new sources keep everybody else from going on.
        _encodedLast = sources.Count > 0 && (others.Count == 0 || !_encodedLast);
        return _encodedLast ? Sources(sources) : Tokens(others);
    }

    /// <summary>Lets go of all that are over.</summary>
    /// <returns>Those that were active.</returns>
    public IReadOnlyList<GatewayCall> RemoveOver()
    {
        _waiting.RemoveOver();
        var over = _active.FindAll(call => call.IsOver);
        foreach (var call in over)
        {
            _active.Remove(call);
            _turns.Leave(call);
            ReservedBytes -= call.ReservedBytes;
        }

        return over;
    }

    /// <summary>Lets go of the waiting ones that are over.</summary>
    public void RemoveOverWaiting() => _waiting.RemoveOver();

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

    private List<StepPiece> Tokens(List<GatewayCall> calls)
    {
        var shares = _turns.Share(calls.Where(IsPrompt).Select(call => (call, Math.Min(call.Left, call.MaxPiece))), options.PrefillTokens);
        List<StepPiece> pieces = [];
        foreach (var call in calls)
        {
            var count = IsPrompt(call) ? shares.GetValueOrDefault(call) : 1;
            if (count > 0)
            {
                pieces.Add(new StepPiece(call, count));
            }
        }

        return pieces;

        static bool IsPrompt(GatewayCall call) => Math.Min(call.Left, call.MaxPiece) > 1;
    }
}
