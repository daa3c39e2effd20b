namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Shares prompt tokens out in turns of at most a chunk: clients in rotation, and each client's prompts in rotation. Whoever was served
/// stands last, over all steps, so that nobody waits for more than one turn of each of the others.
/// </summary>
/// <param name="chunk">The most tokens of a turn.</param>
internal sealed class PrefillTurns(int chunk)
{
    private readonly Dictionary<string, Client> _clients = [];
    private long _now;

    /// <summary>A sequence became active; it and, where new, its client stand last.</summary>
    public void Join(GatewayCall call)
    {
        if (!_clients.TryGetValue(call.Client, out var client))
        {
            client = new Client { Turn = ++_now };
            _clients[call.Client] = client;
        }

        client.Active++;
        call.Turn = ++_now;
    }

    /// <summary>A sequence is no longer active.</summary>
    public void Leave(GatewayCall call)
    {
        if (--_clients[call.Client].Active == 0)
        {
            _clients.Remove(call.Client);
        }
    }

    /// <summary>Active sequences of a client.</summary>
    public int ActiveOf(string client) => _clients.TryGetValue(client, out var known) ? known.Active : 0;

    /// <summary>Shares a budget out.</summary>
    /// <param name="wants">Prompts and how many tokens each would take.</param>
    /// <param name="budget">The most tokens in all.</param>
    /// <returns>What each prompt gets; those that get nothing are missing.</returns>
    public Dictionary<GatewayCall, int> Share(IEnumerable<(GatewayCall Call, int Tokens)> wants, int budget)
    {
        var shares = new Dictionary<GatewayCall, int>();
        var lines = new PriorityQueue<PriorityQueue<(GatewayCall Call, int Tokens), long>, long>();
        foreach (var group in wants.GroupBy(want => want.Call.Client))
        {
            var line = new PriorityQueue<(GatewayCall Call, int Tokens), long>(group.Select(want => (want, want.Call.Turn)));
            lines.Enqueue(line, _clients[group.Key].Turn);
        }

        while (budget > 0 && lines.TryDequeue(out var line, out _))
        {
            var (call, tokens) = line.Dequeue();
            var turn = Math.Min(Math.Min(tokens, chunk), budget);
            budget -= turn;
            shares[call] = shares.GetValueOrDefault(call) + turn;
            Serve(call);
            if (tokens > turn)
            {
                line.Enqueue((call, tokens - turn), call.Turn);
            }

            if (line.Count > 0)
            {
                lines.Enqueue(line, _clients[call.Client].Turn);
            }
        }

        return shares;
    }

    /// <summary>Whose turn comes first, of some sequences: clients in rotation.</summary>
    public IReadOnlyList<GatewayCall> InOrder(IEnumerable<GatewayCall> calls)
    {
        // The first of each client, then the second of each, and so on.
        return [.. calls.GroupBy(call => call.Client)
            .SelectMany(group => group.OrderBy(call => call.Turn).Select((call, place) => (call, place)))
            .OrderBy(x => x.place).ThenBy(x => _clients[x.call.Client].Turn).Select(x => x.call)];
    }

    /// <summary>A sequence had its turn.</summary>
    public void Serve(GatewayCall call)
    {
        _clients[call.Client].Turn = ++_now;
        call.Turn = ++_now;
    }

    private sealed class Client
    {
        public long Turn { get; set; }

        public int Active { get; set; }
    }
}
