using System.Diagnostics;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>
/// Time of each gate over a batch against what any gate must do: router product, softmax, top-k, and a sort of the choices by expert. Rounds of
/// both alternate, and medians are compared, so that a busy machine slows both. Runs on a device executor's thread.
/// </summary>
internal static class GateBenchmark
{
    private const int Hidden = 16;

    public static List<GateTiming> Run(int tokens, int experts, int rounds, bool training)
    {
        var timings = new List<GateTiming>();
        foreach (var preset in GatePresets.All)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            using var generator = new Generator(1, CPU);
            var rows = randn([tokens, Hidden], generator: generator);
            var ids = randint(0, 1000, [tokens], ScalarType.Int64, generator: generator);
            using var gate = preset.Create(new GateSettings { Hidden = Hidden, Experts = experts, Generator = generator, Vocabulary = 1000 });
            var context = training ? RoutingContext.Train(generator) : new RoutingContext { Generator = generator };
            var input = new GateInput(rows) { TokenIds = ids };
            var weight = randn([experts, Hidden], generator: generator);
            var (k, byExpert) = Shape(gate, input, context);

            var (gateTimes, bareTimes) = (new double[rounds], new double[rounds]);
            for (var round = -2; round < rounds; round++)
            {
                var gateTime = Time(() => gate.Route(input, context).Dispose());
                var bareTime = Time(() => Bare(rows, weight, k, byExpert));
                if (round >= 0)
                {
                    (gateTimes[round], bareTimes[round]) = (gateTime, bareTime);
                }
            }

            timings.Add(new GateTiming(preset.Name, k, Median(gateTimes), Median(bareTimes)));
        }

        return timings;
    }

    /// <summary>How many choices a gate must find, and whether experts make them. A dense gate need not find any; 1 is asked of it.</summary>
    private static (int K, bool ByExpert) Shape(Gate gate, GateInput input, RoutingContext context)
    {
        using var probe = gate.Route(input, context);
        if (probe.Assignment is not SlotAssignment slots)
        {
            return (1, false);
        }

        var k = (int)slots.Expert.shape[1];
        return slots.Token is not null ? (k, true) : (k == gate.Experts ? 1 : k, false);
    }

    private static void Bare(Tensor rows, Tensor weight, int k, bool byExpert)
    {
        using var scope = NewDisposeScope();
        var probabilities = nn.functional.linear(rows, weight).softmax(-1);
        var (_, chosen) = (byExpert ? probabilities.t().contiguous() : probabilities).topk(k, -1);
        chosen.reshape(-1).argsort(-1);
    }

    private static double Time(Action work)
    {
        var clock = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}
