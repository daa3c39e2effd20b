using System.CommandLine;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Operations;

/// <summary>The commands that look at a running cluster and steer it.</summary>
internal static class OperatorCommands
{
    /// <summary>All of them.</summary>
    public static IEnumerable<Command> All() =>
    [
        Cluster(), Placement(), History(), Explain(), Rebalance(), Suspend(), Resume(), Order("move", "Gives an expert's copy on one node to another.", true, true),
        Order("replicate", "Gives a node one more copy of an expert.", false, true), Order("retire", "Takes an expert's copy off a node.", true, false),
        Pin("pin", "Wants a copy of an expert on a node; no plan takes it away."), Pin("unpin", "Leaves an expert's copy to the plans again."),
        Drain("drain", "Moves everything off a node; it goes on running, empty."), Drain("undrain", "Lets a drained node take experts again."),
    ];

    private static Option<string?> Model() => new("--model") { Description = "The model; may be left out where there is one." };

    private static Command Cluster() => OperatorCommand.Create(
        "cluster", "What the balancer is about, the plan under way with each step, models, nodes.", [],
        (client, _, ct) => client.AskAsync("status", ct), OperatorText.Status);

    private static Command Placement()
    {
        var (model, layer, expert) = (Model(), new Option<int?>("--layer"), new Option<int?>("--expert"));
        var node = new Option<string?>("--node") { Description = "HOST:PORT of a node's control connection." };
        return OperatorCommand.Create(
            "placement", "Which copy of which expert is on which node, and in which state.", [model, layer, expert, node],
            async (client, parsed, ct) =>
            {
                var name = parsed.GetValue(model) ?? (await client.ListModelsAsync(ct)) switch
                {
                    [var only] => only.Name,
                    var several => throw new UsageException($"--model: name one of {string.Join(", ", several.Select(m => m.Name))}."),
                };
                var report = await client.GetClusterReportAsync(name, ct);
                var found = report.Replicas.Where(r => (parsed.GetValue(layer) is not { } l || r.Layer == l)
                    && (parsed.GetValue(expert) is not { } e || r.Expert == e) && (parsed.GetValue(node) is not { } n || r.Node == n));
                return new JsonObject { ["model"] = name, ["epoch"] = report.Epoch, ["replicas"] = Json.Node(found) };
            },
            OperatorText.Placement);
    }

    private static Command History()
    {
        var most = new Option<int>("--most") { Description = "The most decisions, newest first.", DefaultValueFactory = _ => 50 };
        var kind = new Option<string?>("--kind") { Description = "Only of this kind, such as plan, step, node-lost, probe-failed, drained." };
        var subject = new Option<string?>("--subject") { Description = "Only those about something with this in its name." };
        return OperatorCommand.Create(
            "history", "What the balancer decided, when and why, with the numbers.", [most, kind, subject],
            (client, parsed, ct) => client.AskAsync(
                "history", ct, ("most", parsed.GetValue(most)), ("kind", parsed.GetValue(kind)), ("subject", parsed.GetValue(subject))),
            OperatorText.History);
    }

    private static Command Explain()
    {
        var what = new Argument<string>("WHAT") { Description = "A plan (plan-42), a replica (L02/E05) or a node (HOST:PORT)." };
        return OperatorCommand.Create(
            "explain", "Every decision about a plan, a replica or a node.", [what],
            async (client, parsed, ct) =>
            {
                var name = parsed.GetValue(what)!;
                return await client.AskAsync("history", ct, ("most", 1000), name.StartsWith("plan-", StringComparison.Ordinal) ? ("plan", name) : ("about", name));
            },
            OperatorText.History);
    }

    private static Command Rebalance()
    {
        var (model, dryRun) = (Model(), new Option<bool>("--dry-run") { Description = "Only say what would be done, and what it would bring." });
        return OperatorCommand.Create(
            "rebalance", "Plans now, whatever the load.", [model, dryRun],
            (client, parsed, ct) => client.AskAsync(parsed.GetValue(dryRun) ? "dry-run" : "rebalance", ct, ("model", parsed.GetValue(model))),
            OperatorText.Plan);
    }

    private static Command Suspend()
    {
        var reason = new Argument<string>("REASON") { Description = "Why, for others to read." };
        return OperatorCommand.Create(
            "suspend", "Nothing moves for the sake of balance until it is resumed; what is lost is placed again nonetheless.", [reason],
            (client, parsed, ct) => client.AskAsync("suspend", ct, ("reason", parsed.GetValue(reason))), OperatorText.Lines);
    }

    private static Command Resume() => OperatorCommand.Create(
        "resume", "Experts may move again.", [], (client, _, ct) => client.AskAsync("resume", ct), OperatorText.Lines);

    private static Command Order(string verb, string description, bool hasFrom, bool hasTo)
    {
        var model = Model();
        var layer = new Option<int>("--layer") { Required = true };
        var expert = new Option<int>("--expert") { Required = true };
        var from = new Option<string?>("--from") { Description = "HOST:PORT of the node that gives it up.", Required = hasFrom };
        var to = new Option<string?>("--to") { Description = "HOST:PORT of the node that gets it.", Required = hasTo };
        return OperatorCommand.Create(
            verb, description, [model, layer, expert, .. hasFrom ? new[] { from } : [], .. hasTo ? new[] { to } : []],
            (client, parsed, ct) => client.AskAsync(
                verb, ct, ("model", parsed.GetValue(model)), ("layer", parsed.GetValue(layer)), ("expert", parsed.GetValue(expert)),
                ("from", hasFrom ? parsed.GetValue(from) : null), ("to", hasTo ? parsed.GetValue(to) : null)),
            OperatorText.Lines);
    }

    private static Command Pin(string verb, string description)
    {
        var (model, layer, expert) = (Model(), new Option<int>("--layer") { Required = true }, new Option<int>("--expert") { Required = true });
        var node = new Option<string>("--node") { Description = "HOST:PORT of the node's control connection.", Required = true };
        return OperatorCommand.Create(
            verb, description, [model, layer, expert, node],
            (client, parsed, ct) => client.AskAsync(
                verb, ct, ("model", parsed.GetValue(model)), ("layer", parsed.GetValue(layer)), ("expert", parsed.GetValue(expert)), ("node", parsed.GetValue(node))),
            OperatorText.Lines);
    }

    private static Command Drain(string verb, string description)
    {
        var node = new Argument<string>("NODE") { Description = "HOST:PORT of the node's control connection." };
        return OperatorCommand.Create(
            verb, description, [node], (client, parsed, ct) => client.AskAsync(verb, ct, ("node", parsed.GetValue(node))), OperatorText.Lines);
    }
}
