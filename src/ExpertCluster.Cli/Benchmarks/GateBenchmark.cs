using System.Diagnostics;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>
/// Time of each gate over a batch against what it must do: router product and softmax; top-k, where anything is chosen; and a sort of the
/// choices by expert where a capacity gives them places. Rounds of both alternate, and medians are compared, so that a busy machine slows
/// both. Runs on a device executor's thread.
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
            var must = Shape(gate, input, context);

            var (gateTimes, bareTimes) = (new double[rounds], new double[rounds]);
            for (var round = -2; round < rounds; round++)
            {
                var gateTime = Time(() => gate.Route(input, context).Dispose());
                var bareTime = Time(() => Bare(rows, weight, must));
                if (round >= 0)
                {
                    (gateTimes[round], bareTimes[round]) = (gateTime, bareTime);
                }
            }

            timings.Add(new GateTiming(preset.Name, must.K, must.Sorts, Median(gateTimes), Median(bareTimes)));
        }

        return timings;
    }

    /// <summary>
    /// How many choices a gate must find, whether experts make them, and whether they get places. A mixture of all experts and soft slots
    /// find none; hashing, which has not even a router, is compared with the best of a softmax, which it replaces.
    /// </summary>
    private static (int K, bool ByExpert, bool Sorts) Shape(Gate gate, GateInput input, RoutingContext context)
    {
        using var probe = gate.Route(input, context);
        if (probe.Assignment is not SlotAssignment slots)
        {
            return (0, false, false);
        }

        var k = (int)slots.Expert.shape[1];
        return slots.Token is not null ? (k, true, false) : (k == gate.Experts ? 0 : k, false, slots.Capacity is not null);
    }

    private static void Bare(Tensor rows, Tensor weight, (int K, bool ByExpert, bool Sorts) must)
    {
        using var scope = NewDisposeScope();
        var probabilities = nn.functional.linear(rows, weight).softmax(-1);
        if (must.K > 0)
        {
            var by = must.ByExpert ? probabilities.t().contiguous() : probabilities;
            var chosen = must.K == 1 ? by.argmax(-1) : by.topk(must.K, -1).indexes;
            if (must.Sorts)
            {
                chosen.reshape(-1).argsort(-1);
            }
        }
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
