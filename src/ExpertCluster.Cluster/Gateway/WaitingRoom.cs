namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Requests that wait for a place, each behind its client's earlier ones. Clients take turns: next is one with the fewest active sequences,
/// and of those the one that has waited longest for a turn.
/// </summary>
internal sealed class WaitingRoom
{
    private readonly Dictionary<string, Line> _lines = [];

    // Whose turn is longest ago stands first.
    private readonly LinkedList<Line> _rotation = [];

    /// <summary>Requests in all.</summary>
    public int Count { get; private set; }

    /// <summary>Requests of one client.</summary>
    public int CountOf(string client) => _lines.TryGetValue(client, out var line) ? line.Calls.Count : 0;

    /// <summary>All of them, in no order that matters.</summary>
    public IEnumerable<GatewayCall> Calls => _rotation.SelectMany(line => line.Calls);

    public void Add(GatewayCall call)
    {
        if (!_lines.TryGetValue(call.Client, out var line))
        {
            line = new Line(call.Client);
            _lines[call.Client] = line;
            _rotation.AddLast(line);
        }

        line.Calls.AddLast(call);
        Count++;
    }

    /// <summary>The request that is to start next; null when nothing waits.</summary>
    /// <param name="active">How many sequences of a client are active.</param>
    public GatewayCall? Next(Func<string, int> active) => _rotation.MinBy(line => active(line.Client))?.Calls.First!.Value;

    /// <summary>Takes out what <see cref="Next"/> gave; its client's next turn comes after the others'.</summary>
    public void Take(GatewayCall call)
    {
        var line = _lines[call.Client];
        Remove(line, line.Calls.First!);
        if (line.Calls.Count > 0)
        {
            _rotation.Remove(line);
            _rotation.AddLast(line);
        }
    }

    /// <summary>Takes out one that came last, without a turn.</summary>
    public void Refuse(GatewayCall call)
    {
        var line = _lines[call.Client];
        Remove(line, line.Calls.Last!);
    }

    /// <summary>Takes out all that are over.</summary>
    public void RemoveOver()
    {
        foreach (var line in _rotation.ToArray())
        {
            for (var node = line.Calls.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.IsOver)
                {
                    Remove(line, node);
                }

                node = next;
            }
        }
    }

    private void Remove(Line line, LinkedListNode<GatewayCall> node)
    {
        line.Calls.Remove(node);
        Count--;
        if (line.Calls.Count == 0)
        {
            _lines.Remove(line.Client);
            _rotation.Remove(line);
        }
    }

    private sealed class Line(string client)
    {
        public string Client { get; } = client;

        public LinkedList<GatewayCall> Calls { get; } = [];
    }
}
