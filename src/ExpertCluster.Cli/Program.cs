using System.CommandLine;
using ExpertCluster.Cli.Commands;
using ExpertCluster.Cli.Operations;
using ExpertCluster.Cli.Output;

var root = new RootCommand("An elastic cluster for Mixture-of-Experts models: every expert is an actor.")
{
    GenerateCommand.Create(),
    VerifyCommand.Create(),
    VerifyRoutingCommand.Create(),
    PresetsCommand.Create(),
    InspectCommand.Create(),
    PlanCommand.Create(),
    NodeCommand.Create(),
    BenchCommand.Create(),
    DrillCommand.Create(),
};
foreach (var command in OperatorCommands.All())
{
    root.Subcommands.Add(command);
}

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    // One line, whatever the parser found; its own handler would print the whole help.
    return Failure.Report(
        new UsageException(string.Join(" ", parsed.Errors.Select(e => e.Message)) + " See 'expertcluster --help'."), args.Contains("--json"));
}

return await parsed.InvokeAsync(new InvocationConfiguration
{
    EnableDefaultExceptionHandler = false,

    // A process that ends while libtorch computes crashes: what is under way gets the time to end.
    ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
});
