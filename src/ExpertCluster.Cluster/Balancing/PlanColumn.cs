namespace ExpertCluster.Cluster.Balancing;

/// <summary>Wanted replicas that should share a node: one copy of each expert of a group, or a single replica without a hint.</summary>
/// <param name="Group">Index of the group; null for none.</param>
/// <param name="Experts">Different experts.</param>
internal sealed record PlanColumn(int? Group, List<(int Layer, int Expert)> Experts)
{
    /// <summary>The columns of a request, in the order in which their first replicas are wanted.</summary>
    /// <param name="request">What is to be placed.</param>
    /// <param name="groups">Group of each expert that has one.</param>
    public static IReadOnlyList<PlanColumn> Of(PlanRequest request, IReadOnlyDictionary<(int Layer, int Expert), int> groups)
    {
        var columns = new List<PlanColumn>();
        var byCopy = new Dictionary<(int Group, int Copy), PlanColumn>();
        var copies = new Dictionary<(int, int), int>();
        foreach (var (layer, expert, _) in request.Present)
        {
            copies[(layer, expert)] = copies.GetValueOrDefault((layer, expert)) + 1;
        }

        foreach (var expert in request.Wanted)
        {
            // A first copy never waits for, nor goes with, a second one: that would be placed before other first ones.
            var copy = copies[expert] = copies.GetValueOrDefault(expert) + 1;
            if (!groups.TryGetValue(expert, out var group))
            {
                columns.Add(new PlanColumn(null, [expert]));
            }
            else if (byCopy.TryGetValue((group, copy), out var column))
            {
                column.Experts.Add(expert);
            }
            else
            {
                columns.Add(byCopy[(group, copy)] = new PlanColumn(group, [expert]));
            }
        }

        return columns;
    }
}
