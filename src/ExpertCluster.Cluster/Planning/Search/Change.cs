namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>A change to a placement that takes load from device <see cref="From"/>.</summary>
internal readonly record struct Change(ChangeKind Kind, int Expert, int From, int Other, int To)
{
    public void Apply(LayerState state)
    {
        switch (Kind)
        {
            case ChangeKind.Move:
                state.Move(Expert, From, To);
                break;
            case ChangeKind.Swap:
                state.Move(Expert, From, To);
                state.Move(Other, To, From);
                break;
            case ChangeKind.Copy:
                state.Add(Expert, To);
                break;
            case ChangeKind.Replace:
                state.Remove(Other, To);
                state.Add(Expert, To);
                break;
            case ChangeKind.Drop:
                state.Remove(Expert, From);
                break;
            default:
                Trade(state);
                break;
        }
    }

    private void Trade(LayerState state)
    {
        var (first, second) = (state.Hosts(Expert).ToArray(), state.Hosts(Other).ToArray());
        foreach (var host in first)
        {
            state.Remove(Expert, host);
        }

        foreach (var host in second)
        {
            state.Remove(Other, host);
            state.Add(Expert, host);
        }

        foreach (var host in first)
        {
            state.Add(Other, host);
        }

        state.Recompute();
    }
}
