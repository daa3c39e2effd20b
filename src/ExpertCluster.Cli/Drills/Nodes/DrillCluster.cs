using System.Globalization;
using ExpertCluster.Cli.Drills.Traffic;
using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>The processes of a drill: expert nodes and gateways, each on ports of its own that it keeps when it starts again.</summary>
internal sealed class DrillCluster : IDisposable
{
    private readonly DirectoryInfo _temporary = Directory.CreateTempSubdirectory("drill-");
    private readonly string? _logs;

    public DrillCluster(DrillShape shape, DrillSettings settings, string model, DrillClock clock)
    {
        _logs = settings.Logs;
        Moves = new MoveLog(clock);
        var count = shape.Experts + shape.Spare;
        var ports = FreePorts.Find(count + (2 * shape.Gateways));
        Experts = [.. Enumerable.Range(0, count).Select(i => new DrillNode($"expert-{i}", "expert", ports[i], null, clock))];
        Gateways = [.. Enumerable.Range(0, shape.Gateways).Select(
            i => new DrillNode($"gateway-{i}", "gateway", ports[count + (2 * i)], ports[count + (2 * i) + 1], clock))];
        Initial = shape.Experts;
        var seeds = Experts.Take(shape.Experts).SelectMany(n => new[] { "--seed", n.Address }).ToArray();
        foreach (var (index, node) in All.Index())
        {
            node.Arguments =
            [
                "--port", node.Address.Split(':')[1], "--role", node.Role, .. seeds, "--model", model, "--threads", Number(settings.Threads),
                "--min-expert-nodes", Number(shape.Experts), "--set", "Experts:Weight=1", "--set", $"Balancer:Copies={Number(settings.Copies)}",
                .. node.GatewayEndpoint is { } endpoint ? new[] { "--gateway-port", endpoint.Split(':')[1] } : [],
                .. shape.Settings.Concat(shape.ExpertSettings is { } own && node.Role == "expert" ? own(index) : []).SelectMany(s => new[] { "--set", s }),
                .. shape.Faults ? new[] { "--set", "Faults:Enabled=true", "--set", $"Faults:ControlFile={ControlFile(node)}" } : [],
            ];
            node.Environment = new Dictionary<string, string>
            {
                // One that is killed leaves its lane's socket behind, here to be removed.
                ["TMPDIR"] = _temporary.FullName,
                ["EXPERTCLUSTER_Logging__LogLevel__Default"] = "Information",
                ["EXPERTCLUSTER_Logging__LogLevel__Microsoft"] = "Warning",
                ["EXPERTCLUSTER_Logging__LogLevel__ExpertCluster.Cluster.Placement"] = "Debug",
            };
            node.Said += (said, line) =>
            {
                Balancers.Read(said.Name, said.Starts, line);
                Crashes.Read(said.Name, line);
                Writers.Read(line);
                Placement.Read(line);
                Moves.Read(line);
            };
        }
    }

    /// <summary>Expert nodes, spare ones last; the first is the oldest.</summary>
    public IReadOnlyList<DrillNode> Experts { get; }

    /// <summary>Nodes that answer clients.</summary>
    public IReadOnlyList<DrillNode> Gateways { get; }

    /// <summary>Expert nodes that the cluster begins with.</summary>
    public int Initial { get; }

    /// <summary>All nodes.</summary>
    public IEnumerable<DrillNode> All => Experts.Concat(Gateways);

    /// <summary>Addresses of expert nodes whose processes run.</summary>
    public IReadOnlyList<string> RunningExperts => [.. Experts.Where(n => n.IsRunning).Select(n => n.Address)];

    /// <summary>Who wrote which placement, by the logs of all nodes.</summary>
    public PlacementWriters Writers { get; } = new();

    /// <summary>Who holds what, by the logs of all nodes.</summary>
    public PlacementLines Placement { get; } = new();

    /// <summary>Actors that threw, by the logs of all nodes.</summary>
    public ActorCrashes Crashes { get; } = new();

    /// <summary>How often the balancer began, by the logs of all nodes.</summary>
    public BalancerStarts Balancers { get; } = new();

    /// <summary>What the balancer moved for load, by the logs of all nodes.</summary>
    public MoveLog Moves { get; }

    /// <summary>Nodes that ended although nobody told them to.</summary>
    public IReadOnlyList<DrillNode> Fallen => [.. All.Where(n => n is { Starts: > 0, IsRunning: false, MayEnd: false })];

    /// <summary>Starts all but the spare nodes.</summary>
    public void Start()
    {
        foreach (var node in Experts.Take(Initial).Concat(Gateways))
        {
            node.Start();
        }
    }

    /// <summary>Waits for the work, or throws when a node ends before it is done.</summary>
    public async Task OrFallenAsync(Task work)
    {
        while (await Task.WhenAny(work, Task.Delay(TimeSpan.FromMilliseconds(200))) != work)
        {
            if (Fallen is [var node, ..])
            {
                throw new InvalidOperationException($"{node.Name} ended with exit code {node.ExitCode}: {string.Join(" ", node.Lines.TakeLast(5))}");
            }
        }

        await work;
    }

    /// <summary>Sets a node's fault switches; only nodes of a shape with faults honour them.</summary>
    public void SetFaults(DrillNode node, IEnumerable<DrillNode> block, int answerDelayMs)
    {
        // Written aside and moved: the node must not read half of it.
        var file = ControlFile(node);
        var blocked = string.Join(", ", block.Select(n => $"\"{n.Address}\""));
        File.WriteAllText($"{file}.new", $$"""{ "block": [{{blocked}}], "answerDelayMs": {{Number(answerDelayMs)}} }""");
        File.Move($"{file}.new", file, overwrite: true);
    }

    public void Dispose()
    {
        foreach (var node in All)
        {
            node.Dispose();
            if (_logs is not null)
            {
                Directory.CreateDirectory(_logs);
                File.WriteAllLines(Path.Combine(_logs, $"{node.Name}.log"), node.Lines);
            }
        }

        try
        {
            _temporary.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A file of a process that is still ending.
        }
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private string ControlFile(DrillNode node) => Path.Combine(_temporary.FullName, $"{node.Name}.faults.json");
}
