using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Benchmarks;
using ExpertCluster.Cli.Output;
using ExpertCluster.Tensors;

namespace ExpertCluster.Cli.Commands;

/// <summary>How much longer each gate takes than the softmax, and the top-k and sort where it needs them.</summary>
internal static class BenchGatesCommand
{
    private static readonly Option<int> Tokens = new("--tokens") { Description = "Tokens of a batch.", DefaultValueFactory = _ => 4096 };

    private static readonly Option<int> Experts = new("--experts") { Description = "Experts.", DefaultValueFactory = _ => 64 };

    private static readonly Option<int> Rounds = new("--rounds") { Description = "Rounds of each, alternating.", DefaultValueFactory = _ => 21 };

    private static readonly Option<bool> Training = new("--training") { Description = "With noise, jitter and losses." };

    private static readonly Option<double> Limit = new("--limit") { Description = "The checks' limit.", DefaultValueFactory = _ => 3 };

    public static Command Create()
    {
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("gates", "Time every routing preset on the CPU.") { Tokens, Experts, Rounds, Training, Limit, threads, json };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var (tokens, experts, rounds) = (parsed.GetValue(Tokens), parsed.GetValue(Experts), parsed.GetValue(Rounds));
            if (tokens is < 1 or > 1 << 20 || experts is < 8 or > 4096 || rounds is < 1 or > 10_000)
            {
                throw new UsageException(
                    $"--tokens is {tokens}, --experts {experts}, --rounds {rounds}; 1 to 1048576 tokens, 8 to 4096 experts and 1 to 10000 rounds are possible.");
            }

            await using var executor = new DeviceExecutor("cpu", parsed.GetValue(threads));
            var training = parsed.GetValue(Training);
            var timings = await executor.RunAsync(() => GateBenchmark.Run(tokens, experts, rounds, training), cancellationToken);
            Check[] checks = [.. timings.Select(t => Check.AtMost($"{t.Preset}.ratio", t.Ratio, parsed.GetValue(Limit)))];
            if (parsed.GetValue(json))
            {
                return Json.Print(
                    new JsonObject
                    {
                        ["machine"] = Json.Node(Machine.Describe()),
                        ["tokens"] = tokens,
                        ["experts"] = experts,
                        ["rounds"] = rounds,
                        ["training"] = training,
                        ["threads"] = parsed.GetValue(threads),
                        ["gates"] = Json.Node(timings),
                    },
                    checks);
            }

            foreach (var timing in timings)
            {
                Console.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(timing.Ratio <= parsed.GetValue(Limit) ? "ok  " : "FAIL")} {timing.Preset,-18} k={timing.Choices,-3} {(timing.Sorts ? "sorted" : "      ")} {timing.GateMilliseconds,8:0.00} ms, bare {timing.BareMilliseconds,8:0.00} ms, ratio {timing.Ratio:0.00}"));
            }

            return checks.All(c => c.Pass) ? 0 : 1;
        }));
        return command;
    }
}
