using System.CommandLine;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Commands;
using ExpertCluster.Cli.Output;
using ExpertCluster.Client;

namespace ExpertCluster.Cli.Operations;

/// <summary>What all commands to a running cluster have in common: where it is, and how the answer is printed.</summary>
internal static class OperatorCommand
{
    /// <summary>A command that asks or orders one thing.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it does.</param>
    /// <param name="symbols">Its own options and arguments.</param>
    /// <param name="run">Asks the cluster; its answer is printed as JSON, or by <paramref name="print"/>.</param>
    /// <param name="print">Prints the answer for people.</param>
    public static Command Create(
        string name, string description, IReadOnlyList<Symbol> symbols,
        Func<IExpertClusterClient, ParseResult, CancellationToken, Task<JsonObject>> run, Action<JsonObject> print)
    {
        var connect = new Option<string[]>("--connect")
        {
            Description = "HOST:PORT of a gateway; may be given several times.",
            Required = true,
        };
        var json = CommonOptions.Json();
        var command = new Command(name, description) { connect, json };
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
            {
                command.Options.Add(option);
            }
            else
            {
                command.Arguments.Add((Argument)symbol);
            }
        }

        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            await using var client = await ExpertClusterClient.ConnectAsync(parsed.GetValue(connect)!, cancellationToken: cancellationToken);
            var answer = await run(client, parsed, cancellationToken);
            if (parsed.GetValue(json))
            {
                return Json.Print(answer, [Check.That("done", true)]);
            }

            print(answer);
            return 0;
        }));
        return command;
    }

    /// <summary>Asks, with a JSON object as arguments; those that are null are left out.</summary>
    public static async Task<JsonObject> AskAsync(
        this IExpertClusterClient client, string verb, CancellationToken cancellationToken, params (string Name, object? Value)[] arguments)
    {
        var given = new JsonObject(arguments.Where(a => a.Value is not null).Select(a => KeyValuePair.Create(a.Name, Json.Node(a.Value))));
        return JsonNode.Parse(await client.OperateAsync(verb, given.ToJsonString(), cancellationToken))!.AsObject();
    }
}
