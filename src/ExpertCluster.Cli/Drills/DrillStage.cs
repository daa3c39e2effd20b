using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Drills.Prompts;
using ExpertCluster.Cli.Drills.Traffic;
using ExpertCluster.Cli.Drills.View;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Drills;

/// <summary>What a scenario acts on, and where it leaves what it finds.</summary>
internal sealed class DrillStage(
    DrillSettings settings, DrillPrompts prompts, DrillCluster cluster, ClusterWatch watch, TrafficSource traffic, DrillClock clock, Action<string> say)
{
    private readonly List<DrillEvent> _events = [];

    /// <summary>What was asked for.</summary>
    public DrillSettings Settings => settings;

    /// <summary>Prompts with known answers.</summary>
    public DrillPrompts Prompts => prompts;

    /// <summary>The nodes.</summary>
    public DrillCluster Cluster => cluster;

    /// <summary>What gateways say.</summary>
    public ClusterWatch Watch => watch;

    /// <summary>The requests.</summary>
    public TrafficSource Traffic => traffic;

    /// <summary>The drill's clock.</summary>
    public DrillClock Clock => clock;

    /// <summary>How long the phase before it was, so that a scenario can fill as much.</summary>
    public double PhaseSeconds { get; set; }

    /// <summary>When the fault came; null before.</summary>
    public double? FaultAt { get; private set; }

    /// <summary>The node that it took away; null where none.</summary>
    public DrillNode? Lost { get; private set; }

    /// <summary>Seconds from the fault to full coverage, where a scenario measured it itself.</summary>
    public double? CoverageSeconds { get; set; }

    /// <summary>Checks that only this scenario makes.</summary>
    public List<Check> Checks { get; } = [];

    /// <summary>What was done and seen.</summary>
    public IReadOnlyList<DrillEvent> Events => _events;

    /// <summary>Seconds until nodes are ready that this machine may take; a drill that waits longer says for what.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(120);

    /// <summary>Writes down what was done.</summary>
    public void Note(string what)
    {
        _events.Add(new DrillEvent(clock.Now, what));
        say(what);
    }

    /// <summary>The fault comes now.</summary>
    public void Fault(string what, DrillNode? lost = null)
    {
        FaultAt ??= clock.Now;
        Lost ??= lost;
        Note(what);
    }

    /// <summary>Ends a node as a power cut would.</summary>
    public void Kill(DrillNode node)
    {
        node.MayEnd = true;
        Fault($"SIGKILL to {node.Name}", node);
        node.Signal(NodeSignal.Kill);
    }

    /// <summary>Asks a node to leave, and waits until it has.</summary>
    public async Task DrainAsync(DrillNode node, CancellationToken cancellationToken)
    {
        node.MayEnd = true;
        Fault($"SIGTERM to {node.Name}", node);
        node.Signal(NodeSignal.Terminate);
        await node.EndAsync(Patience, cancellationToken);
        Note($"{node.Name} has ended with exit code {node.ExitCode}");
    }

    /// <summary>Starts a node, and waits until it is a member and every expert has its copies.</summary>
    public async Task StartAsync(DrillNode node, CancellationToken cancellationToken)
    {
        node.Start();
        Note($"{node.Name} starts");
        await watch.CoveredAsync(settings.Copies, [.. cluster.RunningExperts, node.Address], Patience, cancellationToken);
        Note($"{node.Name} is a member, all experts are ready");
    }
}
