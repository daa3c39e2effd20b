using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Node.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ExpertCluster.Cli.Commands;

/// <summary>Runs one node until it is told to stop.</summary>
internal static class NodeCommand
{
    /// <summary>EX_TEMPFAIL of sysexits.h: whoever supervises the node should start it again.</summary>
    private const int CutOffExitCode = 75;

    private static readonly Option<string?> Config = new("--config")
    {
        Description = "A JSON file with a section ExpertCluster; see config/node.json.",
    };

    private static readonly Option<string?> Host = new("--host") { Description = "Host name or address other nodes reach this one at." };

    private static readonly Option<int?> Port = new("--port") { Description = "Port of the control connection." };

    private static readonly Option<string[]> Roles = new("--role") { Description = "gateway or expert; may be given several times. Default: both." };

    private static readonly Option<string[]> Seeds = new("--seed") { Description = "HOST:PORT of a node to join through; may be given several times." };

    private static readonly Option<string[]> Models = new("--model")
    {
        Description = "A checkpoint's directory, or the name of a model that comes along; may be given several times.",
    };

    private static readonly Option<string?> Device = new("--device") { Description = "cpu, cuda:0, …" };

    private static readonly Option<int?> Threads = new("--threads") { Description = "libtorch threads; 0: all cores." };

    private static readonly Option<int?> GatewayPort = new("--gateway-port") { Description = "Port clients connect to; 0 takes a free one." };

    private static readonly Option<int?> MinNodes = new("--min-expert-nodes")
    {
        Description = "Expert nodes to wait for before experts are placed.",
    };

    private static readonly Option<string?> Record = CommonOptions.Record();

    private static readonly Option<string[]> Settings = new("--set")
    {
        Description = "Any option as KEY=VALUE, such as Router:AttemptTimeout=00:00:10; may be given several times.",
    };

    private static readonly Option<bool> ExitWithInput = new("--exit-with-input")
    {
        Description = "Stop when standard input closes: for a node that must not outlive the program that started it.",
    };

    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("node", "Run one node of a cluster until it is told to stop.")
        {
            Config, Host, Port, Roles, Seeds, Models, Device, Threads, GatewayPort, MinNodes, Record, Settings, ExitWithInput, json,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var printJson = parsed.GetValue(json);
            var clock = Stopwatch.StartNew();
            await using var application = NodeApplication.Build(
                parsed.GetValue(Config), Overrides(parsed), printJson ? logging => ClusterStart.AddLogging(logging, verbose: true) : null);
            var runtime = application.Services.GetRequiredService<ClusterRuntime>();
            await application.StartAsync(cancellationToken);
            if (parsed.GetValue(ExitWithInput))
            {
                _ = StopWithInputAsync(application);
            }

            var node = runtime.Description?.Node.HostPort;
            await application.WaitForShutdownAsync(cancellationToken);
            var cutOff = runtime.CutOff.IsCancellationRequested;
            if (printJson)
            {
                Json.Print(
                    new JsonObject { ["node"] = node, ["seconds"] = clock.Elapsed.TotalSeconds },
                    [Check.That("stopped", true), Check.That("in the cluster to the end", !cutOff)]);
            }

            return cutOff ? CutOffExitCode : 0;
        }));
        return command;
    }

    private static async Task StopWithInputAsync(IHost application)
    {
        var buffer = new byte[256];
        await using var input = Console.OpenStandardInput();
        while (await input.ReadAsync(buffer) > 0)
        {
        }

        await application.StopAsync();
    }

    private static Dictionary<string, string?> Overrides(ParseResult parsed)
    {
        var settings = new Dictionary<string, string?>();
        Set("Node:Host", parsed.GetValue(Host));
        Set("Node:Port", parsed.GetValue(Port));
        SetList("Node:Roles", parsed.GetValue(Roles));
        SetList("Node:Seeds", parsed.GetValue(Seeds));
        Set("Experts:Device", parsed.GetValue(Device));
        Set("Experts:Threads", parsed.GetValue(Threads));
        Set("Gateway:Port", parsed.GetValue(GatewayPort));
        Set("Balancer:MinExpertNodes", parsed.GetValue(MinNodes));
        Set("Load:RecordPath", parsed.GetValue(Record));
        var models = parsed.GetValue(Models) ?? [];
        for (var i = 0; i < models.Length; i++)
        {
            Set($"Models:{i}:Path", ModelDirectory.Find(models[i]));
        }

        foreach (var setting in parsed.GetValue(Settings) ?? [])
        {
            var equals = setting.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new UsageException($"--set {setting}: must be KEY=VALUE, such as Router:AttemptTimeout=00:00:10.");
            }

            Set(setting[..equals], setting[(equals + 1)..]);
        }

        return settings;

        void Set(string key, object? value)
        {
            if (value is not null)
            {
                settings[$"{ExpertClusterOptions.Section}:{key}"] = Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        void SetList(string key, string[]? values)
        {
            for (var i = 0; i < (values?.Length ?? 0); i++)
            {
                Set($"{key}:{i}", values![i]);
            }
        }
    }
}
