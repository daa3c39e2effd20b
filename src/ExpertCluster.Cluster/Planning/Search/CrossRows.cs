namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>Rows that leave the domain they start in, when each goes to a copy in its own domain if there is one.</summary>
internal static class CrossRows
{
    /// <summary>Their share of the layer's rows, 0 to 1; 0 when nothing is known of where rows start.</summary>
    public static double Share(LayerFrame frame, ReadOnlySpan<int> places)
    {
        if (frame.RowsFrom is null || frame.TotalLoad <= 0)
        {
            return 0;
        }

        var near = new bool[frame.Experts * frame.Domains];
        foreach (var at in places)
        {
            near[(at / frame.Devices * frame.Domains) + frame.Domain[at % frame.Devices]] = true;
        }

        var stay = 0.0;
        for (var expert = 0; expert < frame.Experts; expert++)
        {
            for (var domain = 0; domain < frame.Domains; domain++)
            {
                stay += near[(expert * frame.Domains) + domain] ? frame.Load[expert] * frame.RowsFrom[domain] : 0;
            }
        }

        return Math.Clamp(1 - (stay / frame.TotalLoad), 0, 1);
    }
}
