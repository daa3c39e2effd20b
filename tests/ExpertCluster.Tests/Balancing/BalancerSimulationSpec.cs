using CsCheck;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Balancing;

/// <summary>
/// Hundreds of random fault schedules in virtual time. While they run: epochs rise, no replica is in two places, no node holds more than its memory, no expert
/// is twice on a node. After they end: every expert has its copies, plans have come to their end, and nothing moves any more.
/// </summary>
public sealed class BalancerSimulationSpec
{
    private const int Schedules = 200;

    [Fact]
    public void Whatever_happens_coverage_is_restored_and_then_nothing_moves()
    {
        var first = Environment.TickCount & 0xFFFF;
        TestContext.Current.TestOutputHelper?.WriteLine($"seeds {first} to {first + Schedules - 1}");
        for (var seed = first; seed < first + Schedules; seed++)
        {
            try
            {
                RunSchedule(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13783)]
    [InlineData(39550)]
    public void A_schedule_is_the_same_each_time(int seed) => RunSchedule(seed).Should().Be(RunSchedule(seed));

    /// <summary>Returns a fingerprint of what happened.</summary>
    private static string RunSchedule(int seed)
    {
        var random = new Random(seed);
        var (layers, experts, copies) = (random.Next(1, 4), random.Next(2, 9), random.Next(1, 3));
        var options = new BalancerOptions { Copies = copies, MinExpertNodes = copies };
        var rebalance = new RebalanceOptions { SpareReplicas = random.Next(0, 3), MaxConcurrentMoves = random.Next(1, 4), StepTimeout = TimeSpan.FromSeconds(20) };
        var simulation = new Simulation(seed, layers, experts, options, rebalance) { LostReports = random.NextDouble() * 0.1 };

        // Room for everything even when the largest allowed number of nodes is lost, and for a copy on its way.
        var memory = ((layers * ((experts * copies) + 2)) + 2) * Simulation.ExpertBytes;
        for (var i = 0; i < copies + 2; i++)
        {
            simulation.Join(memory, loadFailures: random.Next(4) == 0 ? 0.2 : 0);
        }

        simulation.Run(TimeSpan.FromSeconds(20));
        for (var fault = random.Next(3, 12); fault > 0; fault--)
        {
            Inject(simulation, random, memory, copies, layers, experts);
            simulation.Run(TimeSpan.FromMilliseconds(random.Next(0, 15_000)));
        }

        // Coverage and calm.
        simulation.LostReports = 0;
        simulation.Run(TimeSpan.FromMinutes(5));
        CheckCovered(simulation, layers, experts, copies);
        simulation.Balancer.Moves.Active.Should().BeNull("a plan ends");
        var publications = simulation.Publications;
        simulation.Run(TimeSpan.FromMinutes(10));
        simulation.Publications.Should().Be(publications, "nothing moves on steady load");
        CheckCovered(simulation, layers, experts, copies);
        return string.Join('|', simulation.Published.Values.SelectMany(p => p.Replicas).Select(r => $"{r.Replica}@{r.Node}")) + simulation.Publications;
    }

    private static void Inject(Simulation simulation, Random random, long memory, int copies, int layers, int experts)
    {
        var nodes = simulation.Nodes.Where(n => !n.IsDraining).ToList();
        var node = nodes[random.Next(nodes.Count)];
        switch (random.Next(9))
        {
            case 0 when nodes.Count > copies + 1:
                simulation.Crash(node);
                break;
            case 1 when nodes.Count > copies + 1:
                simulation.Drain(node, TimeSpan.FromSeconds(30));
                break;
            case 2 when nodes.Count < copies + 5:
                simulation.Join(memory);
                break;
            case 3:
                // Restarted in place: the same address, another incarnation.
                simulation.Crash(node);
                simulation.Join(memory, address: node.Id.Address);
                break;
            case 4:
                simulation.KillBalancer();
                break;
            case 5:
                simulation.CutOff(node, TimeSpan.FromSeconds(random.Next(1, 10)));
                break;
            case 6 when nodes.Count < copies + 5:
                simulation.Join(memory, corrupt: copies > 1 && simulation.Nodes.All(n => !n.IsCorrupt));
                break;
            case 7:
                for (var layer = 0; layer < layers; layer++)
                {
                    simulation.Load.Change(layer, random.Next(experts), random.Next(1, 20));
                }

                break;
            default:
                simulation.KillBalancer();
                simulation.Crash(node);
                simulation.Join(memory);
                break;
        }
    }

    private static void CheckCovered(Simulation simulation, int layers, int experts, int copies)
    {
        for (var layer = 0; layer < layers; layer++)
        {
            var replicas = simulation.Published[layer].Replicas;
            string.Join(", ", replicas.Where(r => r.State != ReplicaState.Ready).Select(r => $"{r.Replica} on {r.Node} is {r.State}"))
                .Should().BeEmpty($"every replica of layer {layer} is ready in the end");
            for (var expert = 0; expert < experts; expert++)
            {
                var ready = replicas.Where(r => r.Replica.Expert == expert).ToList();
                ready.Count.Should().BeGreaterThanOrEqualTo(copies, $"expert {expert} of layer {layer} is wanted so often: {simulation.Describe(layer, expert)}");
                foreach (var replica in ready)
                {
                    var node = simulation.Nodes.Find(n => n.Id == replica.Node);
                    node.Should().NotBeNull($"{replica.Replica} is on a node that lives");
                    node!.Replicas.Should().Contain(replica.Replica, true, "it is truly there");
                }
            }
        }
    }
}
