using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Answers operators: what is under way, what was decided and why – and takes their orders.</summary>
internal sealed class BalancerDesk(NodeId self, ClusterBalancer balancer, Rebalancer rebalancer, IBalancerLoad load, Func<BalancerStore?> store)
{
    /// <summary>Answers one query.</summary>
    public BalancerReply Answer(BalancerQuery query, DateTimeOffset now)
    {
        try
        {
            var arguments = query.Arguments.IsEmpty ? [] : JsonNode.Parse(query.Arguments.Span)?.AsObject() ?? [];
            var answer = query.Verb switch
            {
                "status" => Status(now),
                "history" => History(arguments),
                "dry-run" => DryRun(Model(arguments)),
                "rebalance" => Rebalance(Model(arguments), Text(arguments, "reason")),
                "republish" => Republish(Model(arguments)),
                "suspend" => Suspend(Text(arguments, "reason") ?? "an operator said so"),
                "resume" => Resume(),
                "move" => Order(arguments, MoveKind.Move, now),
                "replicate" => Order(arguments, MoveKind.Add, now),
                "pin" => Pin(arguments, true),
                "unpin" => Pin(arguments, false),
                "retire" => Order(arguments, MoveKind.Retire, now),
                _ => throw new ArgumentException($"the balancer knows no '{query.Verb}'"),
            };
            return Fit(answer);
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException or JsonException or InvalidOperationException or FormatException)
        {
            return new BalancerReply(false, Encoding.UTF8.GetBytes(e.Message));
        }
    }

    private static BalancerReply Fit(JsonObject answer)
    {
        while (true)
        {
            var bytes = Encoding.UTF8.GetBytes(answer.ToJsonString());
            if (bytes.Length <= BalancerReply.MaxBody)
            {
                return new BalancerReply(true, bytes);
            }

            // Only lists grow: the later half of the longest goes, and the answer says so.
            var longest = answer.Where(p => p.Value is JsonArray).Select(p => p.Value!.AsArray()).MaxBy(a => a.Count)
                ?? throw new InvalidOperationException($"the answer takes {bytes.Length} bytes, {BalancerReply.MaxBody} fit");
            for (var left = longest.Count / 2; left >= 0 && longest.Count > 0; left--)
            {
                longest.RemoveAt(longest.Count - 1);
            }

            answer["truncated"] = true;
        }
    }

    private JsonObject Status(DateTimeOffset now)
    {
        var status = StatusReport.Of(self, balancer, rebalancer);
        var plan = balancer.Moves.Active;
        return new JsonObject
        {
            ["node"] = self.HostPort,
            ["state"] = status.State,
            ["detail"] = status.Detail,
            ["suspended"] = rebalancer.Suspended,
            ["moves"] = status.Moves,
            ["bytes_moved"] = status.BytesMoved,
            ["plans"] = status.Plans,
            ["rolled_back"] = status.RolledBack,
            ["plan"] = plan is null ? null : new JsonObject
            {
                ["name"] = plan.Name,
                ["model"] = plan.Model,
                ["reason"] = plan.Reason,
                ["seconds"] = (now - plan.Started).TotalSeconds,
                ["steps"] = new JsonArray([.. plan.Steps.Select(s => (JsonNode)new JsonObject
                {
                    ["step"] = s.Step.ToString(),
                    ["phase"] = s.Phase.ToString(),
                    ["problem"] = s.Problem,
                })]),
            },
            ["models"] = new JsonArray([.. balancer.Models.Select(m => (JsonNode)new JsonObject
            {
                ["name"] = m.Name,
                ["epoch"] = m.Epoch,
                ["replicas"] = m.Replicas.Count(),
                ["ready"] = m.Replicas.Count(e => e.State == ReplicaState.Ready),
                ["balancedness"] = new JsonArray([.. m.Layers.Select(layer => JsonValue.Create(Balancedness(m, layer)))]),
            })]),
            ["nodes"] = new JsonArray([.. balancer.Members.Nodes.Values.OrderBy(n => n.Node).Select(n => (JsonNode)new JsonObject
            {
                ["node"] = n.Node.HostPort,
                ["replicas"] = balancer.Models.Sum(m => m.Replicas.Count(e => e.Node == n.Node)),
                ["bytes"] = balancer.UsedBytes(n),
                ["memory_bytes"] = n.MemoryBytes,
                ["speed"] = load.Speed(n.Node),
                ["draining"] = n.IsDraining,
                ["demoted"] = balancer.Demoted.GetValueOrDefault(n.Node),
            })]),
        };
    }

    private double? Balancedness(ModelPlacement model, int layer) => load.Demand(model.Name, layer) is { } demand
        ? LayerBalance.Of(LayerBalance.NodeLoads(model.Placement(layer), demand), [.. balancer.Usable(model).Select(n => n.Node)], load.Speed)
        : null;

    private JsonObject History(JsonObject arguments)
    {
        if (store() is not { } decisions)
        {
            return new JsonObject { ["decisions"] = new JsonArray() };
        }

        var most = arguments["most"]?.GetValue<int>() ?? 50;
        var about = Text(arguments, "about");
        var found = decisions.Decisions(about is null ? Math.Clamp(most, 1, 10_000) : int.MaxValue, Text(arguments, "kind"), Text(arguments, "subject"), Text(arguments, "plan"))
            .Where(d => about is null || d.Subject.Contains(about, StringComparison.OrdinalIgnoreCase) || d.Reason.Contains(about, StringComparison.OrdinalIgnoreCase))
            .Take(Math.Clamp(most, 1, 10_000));
        return new JsonObject
        {
            ["decisions"] = new JsonArray([.. found.Select(d => (JsonNode)new JsonObject
            {
                ["id"] = d.Id,
                ["at"] = d.At.ToString("O"),
                ["model"] = d.Model,
                ["epoch"] = d.Epoch,
                ["kind"] = d.Kind,
                ["subject"] = d.Subject,
                ["reason"] = d.Reason,
                ["numbers"] = JsonNode.Parse(d.NumbersJson),
            })]),
        };
    }

    private JsonObject DryRun(ModelPlacement model)
    {
        var plan = rebalancer.DryRun(model);
        return new JsonObject
        {
            ["model"] = model.Name,
            ["reason"] = plan.Reason,
            ["gain"] = plan.Gain,
            ["bytes"] = plan.Bytes,
            ["seconds"] = plan.Duration.TotalSeconds,
            ["steps"] = new JsonArray([.. PlanningInput.Steps(plan, balancer).Select(s => (JsonNode)new JsonObject
            {
                ["step"] = s.ToString(),
                ["bytes"] = s.Bytes,
                ["reason"] = s.Reason,
            })]),
            ["unmet"] = new JsonArray([.. plan.Unmet.Select(u => (JsonNode)u)]),
        };
    }

    private JsonObject Rebalance(ModelPlacement model, string? reason)
    {
        if (rebalancer.Suspended is { } suspended)
        {
            throw new InvalidOperationException($"moves are suspended: {suspended}; resume them first");
        }

        rebalancer.Request(model.Name, reason ?? "an operator asked for it");
        return new JsonObject { ["model"] = model.Name, ["requested"] = true };
    }

    private static JsonObject Republish(ModelPlacement model)
    {
        model.Republish();
        return new JsonObject { ["model"] = model.Name, ["epoch"] = model.Epoch + 1, ["layers"] = model.Layers.Count };
    }

    private JsonObject Suspend(string reason)
    {
        rebalancer.Suspend(reason);
        balancer.Decisions.Add("", 0, "suspend", "balancer", reason);
        return new JsonObject { ["suspended"] = reason };
    }

    private JsonObject Resume()
    {
        rebalancer.Resume();
        balancer.Decisions.Add("", 0, "resume", "balancer", "an operator said so");
        return new JsonObject { ["suspended"] = null };
    }

    private JsonObject Pin(JsonObject arguments, bool isPinned)
    {
        var (model, layer, expert) = Expert(arguments);
        var node = Node(arguments, "node");
        if (isPinned)
        {
            balancer.Pins.Add(model.Name, layer, expert, node);
            rebalancer.Request(model.Name, $"an operator pinned L{layer:00}/E{expert:00} to {node.HostPort}");
        }
        else if (!balancer.Pins.Remove(model.Name, layer, expert, node))
        {
            throw new ArgumentException($"L{layer:00}/E{expert:00} is not pinned to {node.HostPort}");
        }

        balancer.Decisions.Add(model.Name, model.Epoch, isPinned ? "pin" : "unpin", $"L{layer:00}/E{expert:00}", $"to {node.HostPort}: {Text(arguments, "reason") ?? "an operator said so"}");
        return new JsonObject { ["expert"] = $"L{layer:00}/E{expert:00}", ["node"] = node.HostPort, ["pinned"] = isPinned };
    }

    private JsonObject Order(JsonObject arguments, MoveKind kind, DateTimeOffset now)
    {
        var (model, layer, expert) = Expert(arguments);
        var from = kind == MoveKind.Add ? null : Node(arguments, "from");
        var to = kind == MoveKind.Retire ? null : Node(arguments, "to");
        if (balancer.Moves.Active is { } active)
        {
            throw new InvalidOperationException($"{active.Name} is under way ({active.Done} of {active.Steps.Count} steps done); try again when it has ended");
        }

        if (from is not null && !model.Of(layer, expert).Any(e => e.Node == from && e.State == ReplicaState.Ready))
        {
            throw new ArgumentException($"{from.HostPort} holds no ready copy of expert {expert} of layer {layer}");
        }

        var step = new MoveStep(kind, layer, expert, from, to, kind == MoveKind.Retire ? 0 : model.ExpertBytes, Text(arguments, "reason") ?? "an operator asked for it");
        rebalancer.Begin(model, step, now);

        // What an operator wants, no plan undoes.
        if (from is not null)
        {
            balancer.Pins.Remove(model.Name, layer, expert, from);
        }

        if (to is not null)
        {
            balancer.Pins.Add(model.Name, layer, expert, to);
        }

        return new JsonObject { ["plan"] = balancer.Moves.Active!.Name, ["step"] = step.ToString() };
    }

    private (ModelPlacement Model, int Layer, int Expert) Expert(JsonObject arguments)
    {
        var model = Model(arguments);
        var layer = arguments["layer"]?.GetValue<int>() ?? throw new ArgumentException("layer is missing");
        var expert = arguments["expert"]?.GetValue<int>() ?? throw new ArgumentException("expert is missing");
        if (!model.Layers.Contains(layer) || (uint)expert >= (uint)model.Experts)
        {
            throw new ArgumentException($"{model.Name} has no expert {expert} in layer {layer}; layers are {string.Join(", ", model.Layers.Take(16))}, experts 0 to {model.Experts - 1}");
        }

        return (model, layer, expert);
    }

    private NodeId Node(JsonObject arguments, string key)
    {
        var name = Text(arguments, key) ?? throw new ArgumentException($"{key} is missing: HOST:PORT of a node");
        return balancer.Members.Nodes.Keys.FirstOrDefault(n => n.HostPort == name)
            ?? throw new ArgumentException($"{key}: there is no node {name}; there are {string.Join(", ", balancer.Members.Nodes.Keys.Order().Select(n => n.HostPort))}");
    }

    private ModelPlacement Model(JsonObject arguments)
    {
        var name = Text(arguments, "model");
        return name is null && balancer.Models.Count == 1 ? balancer.Models[0]
            : balancer.Models.FirstOrDefault(m => m.Name == name)
            ?? throw new ArgumentException($"there is no model '{name}'; there are {string.Join(", ", balancer.Models.Select(m => m.Name))}");
    }

    private static string? Text(JsonObject arguments, string key) => arguments[key]?.GetValue<string>();
}
