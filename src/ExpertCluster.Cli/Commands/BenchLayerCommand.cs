using System.CommandLine;
using System.Globalization;
using ExpertCluster.Cli.Benchmarks;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Commands;

/// <summary>One mixture-of-experts layer: in one process without actors, through the cluster, and its bare matrix products.</summary>
internal static class BenchLayerCommand
{
    private static readonly Option<int> Hidden = Size("--hidden", "Hidden size H.", 1024);

    private static readonly Option<int> Ffn = Size("--ffn", "Width F inside an expert.", 3584);

    private static readonly Option<int> Experts = Size("--experts", "Experts.", 8);

    private static readonly Option<int> TopK = Size("--top-k", "Experts each token goes to.", 2);

    private static readonly Option<string> Tokens = new("--tokens")
    {
        Description = "Rows of a call, several separated by commas.",
        DefaultValueFactory = _ => "1,16,256,1024",
    };

    private static readonly Option<bool> Processes = new("--processes") { Description = "Expert nodes are processes of their own." };

    private static readonly Option<int> Rounds = Size("--rounds", "Alternating rounds; medians are taken over them.", 7);

    private static readonly Option<int> DirectThreads = Size("--direct-threads", "libtorch threads of the direct run and the bare products.", 2);

    private static readonly Option<string> Device = Text("--device", "Where all variants compute: cpu, or cuda:N.", "cpu");

    private static readonly Option<string> Dtype = Text("--dtype", "What experts compute in: float32 or bf16.", "float32");

    private static readonly Option<double> Bandwidth = Rate("--device-bandwidth", "Memory bandwidth for the floor on CUDA, TB/s.", 3.35);

    private static readonly Option<double> Flops = Rate("--device-flops", "Rate of matrix products for the floor on CUDA, TFLOP/s.", 785);

    public static Command Create()
    {
        var nodes = CommonOptions.Nodes(3);
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var verbose = CommonOptions.Verbose();
        var command = new Command("layer", "One layer: direct, through the cluster, and its bare matrix products.")
        {
            Hidden, Ffn, Experts, TopK, Tokens, nodes, Processes, threads, DirectThreads, Rounds, Device, Dtype, Bandwidth, Flops, json, verbose,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var settings = new LayerBenchmarkSettings(
                parsed.GetValue(Hidden), parsed.GetValue(Ffn), parsed.GetValue(Experts), parsed.GetValue(TopK),
                ParseTokens(parsed.GetValue(Tokens)!), parsed.GetValue(nodes), parsed.GetValue(Processes), parsed.GetValue(threads),
                parsed.GetValue(DirectThreads), parsed.GetValue(Rounds))
            {
                Device = parsed.GetValue(Device)!,
                Dtype = parsed.GetValue(Dtype)!,
                DeviceBandwidth = parsed.GetValue(Bandwidth),
                DeviceFlops = parsed.GetValue(Flops),
            };
            settings.Validate();
            var result = await LayerBenchmark.RunAsync(settings, parsed.GetValue(json), parsed.GetValue(verbose), cancellationToken);
            return parsed.GetValue(json) ? result.PrintJson() : result.PrintText();
        }));
        return command;
    }

    private static Option<int> Size(string name, string description, int initial) =>
        new(name) { Description = description, DefaultValueFactory = _ => initial };

    private static Option<string> Text(string name, string description, string initial) =>
        new(name) { Description = description, DefaultValueFactory = _ => initial };

    private static Option<double> Rate(string name, string description, double initial) =>
        new(name) { Description = description, DefaultValueFactory = _ => initial };

    private static IReadOnlyList<int> ParseTokens(string list)
    {
        var tokens = new List<int>();
        foreach (var part in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            tokens.Add(int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= 65536
                ? count
                : throw new UsageException($"--tokens has '{part}'; give numbers of 1 to 65536 separated by commas."));
        }

        return tokens.Count > 0 ? tokens : throw new UsageException("--tokens is empty; give numbers separated by commas.");
    }
}
