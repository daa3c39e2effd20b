namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>A placement a layer could have.</summary>
/// <param name="Places">expert·D + device of each replica, ascending.</param>
/// <param name="MaxTime">Largest device time.</param>
/// <param name="Received">Copies to send.</param>
internal sealed record Candidate(int[] Places, double MaxTime, int Received)
{
    public static Candidate Of(LayerState state)
    {
        var places = new int[state.Total];
        var next = 0;
        for (var at = 0; at < state.Has.Length; at++)
        {
            if (state.Has[at])
            {
                places[next++] = at;
            }
        }

        return new Candidate(places, state.MaxTime(), state.Received);
    }

    public bool[] Has(LayerFrame frame)
    {
        var has = new bool[frame.Experts * frame.Devices];
        foreach (var at in Places)
        {
            has[at] = true;
        }

        return has;
    }
}
