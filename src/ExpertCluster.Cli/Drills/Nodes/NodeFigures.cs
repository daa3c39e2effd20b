namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>What a node used after the warm-up, or at the end.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Starts">How often it had been started.</param>
/// <param name="Figures">What its process used.</param>
internal sealed record NodeFigures(string Node, int Starts, ProcessFigures Figures)
{
    /// <summary>Looks at all that run.</summary>
    public static IReadOnlyList<NodeFigures> Of(IEnumerable<DrillNode> nodes) =>
        [.. nodes.Where(n => n.IsRunning).Select(n => new NodeFigures(n.Name, n.Starts, n.Figures))];

    /// <summary>Pairs the looks at processes that lived all the time.</summary>
    public static IReadOnlyList<NodeGrowth> Growth(IEnumerable<NodeFigures> before, IEnumerable<NodeFigures> after) =>
        [.. before.Join(after, b => (b.Node, b.Starts), a => (a.Node, a.Starts), (b, a) => new NodeGrowth(b.Node, b.Figures, a.Figures))];
}
