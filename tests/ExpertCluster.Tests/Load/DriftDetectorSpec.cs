using CsCheck;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using Microsoft.Extensions.Time.Testing;

namespace ExpertCluster.Tests.Load;

public sealed class DriftDetectorSpec
{
    private static readonly double[] Even = [1000, 1000, 1000, 1000];
    private static readonly double[] Skewed = [2200, 600, 600, 600];

    private readonly FakeTimeProvider _time = Loads.Clock();
    private readonly DriftDetector _detector;

    public DriftDetectorSpec() => _detector = new DriftDetector(new RebalanceOptions(), _time);

    [Fact]
    public void Steady_noise_of_5_percent_never_fires() => Gen.Select(Gen.Int, Gen.Int[2, 8], Gen.Int[1, 4]).Sample((seed, nodes, perNode) =>
    {
        var random = new Random(seed);
        var detector = new DriftDetector(new RebalanceOptions(), _time);
        var planned = Enumerable.Range(0, nodes * perNode).Select(_ => 1000 + (9000 * random.NextDouble())).ToArray();
        detector.Planned(Loads.Model, 1, planned);
        for (var look = 0; look < 200; look++)
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            var noisy = planned.Select(rows => rows * (0.95 + (0.1 * random.NextDouble()))).ToArray();

            // The placement fits the plan, so a node's load is off by what its experts' loads are.
            var loads = Enumerable.Range(0, nodes).Select(n => Enumerable.Range(n * perNode, perNode).Sum(e => noisy[e] / planned[e])).ToArray();
            var verdict = detector.Evaluate(Loads.Model, 1, noisy, loads.Average() / loads.Max(), nodes: nodes);
            Assert.False(verdict.Fires, verdict.Reason);
        }
    });

    [Fact]
    public void Noise_of_few_rows_is_no_drift() => Gen.Int.Sample(seed =>
    {
        var random = new Random(seed);
        var detector = new DriftDetector(new RebalanceOptions(), _time);
        detector.Planned(Loads.Model, 1, Enumerable.Repeat(1e6, 256).ToArray());
        for (var look = 0; look < 20; look++)
        {
            _time.Advance(TimeSpan.FromSeconds(31));
            var rows = new double[256];
            for (var i = 0; i < 2000; i++)
            {
                rows[random.Next(256)]++;
            }

            var loads = rows.Chunk(32).Select(chunk => chunk.Sum()).ToArray();
            var verdict = detector.Evaluate(Loads.Model, 1, rows, loads.Average() / loads.Max(), nodes: 8);
            Assert.False(verdict.Fires, verdict.Reason);
        }
    }, iter: 30);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public void Drift_fires_with_the_last_of_so_many_looks_in_a_row(int confirmations)
    {
        var detector = new DriftDetector(new RebalanceOptions { Confirmations = confirmations }, _time);
        for (var look = 1; look < confirmations; look++)
        {
            detector.Evaluate(Loads.Model, 1, Skewed, 0.5).Should().Match<DriftVerdict>(v => v.State == DriftState.Confirming && v.Confirmations == look);
        }

        var last = detector.Evaluate(Loads.Model, 1, Skewed, 0.5);
        last.Should().Match<DriftVerdict>(v => v.Fires && v.Confirmations == confirmations);
        last.Reason.Should().ContainAll("0.500", "0.9");
    }

    [Fact]
    public void A_look_without_drift_begins_the_count_anew()
    {
        Look(Skewed, 0.5).Should().Be(DriftState.Confirming);
        Look(Skewed, 0.5).Should().Be(DriftState.Confirming);
        Look(Even, 0.99).Should().Be(DriftState.Quiet);
        Look(Skewed, 0.5).Should().Be(DriftState.Confirming);
        Look(Skewed, 0.5).Should().Be(DriftState.Confirming);
        Look(Skewed, 0.5).Should().Be(DriftState.Fires);
    }

    [Fact]
    public void Layers_are_watched_apart()
    {
        Look(Skewed, 0.5);
        Look(Skewed, 0.5);
        _detector.Evaluate(Loads.Model, 3, Skewed, 0.5).State.Should().Be(DriftState.Confirming);
        Look(Skewed, 0.5).Should().Be(DriftState.Fires);
    }

    [Fact]
    public void A_load_far_from_the_one_planned_for_fires_though_it_is_balanced_enough_if_there_is_something_to_gain()
    {
        _detector.Planned(Loads.Model, 1, Even);
        _time.Advance(TimeSpan.FromSeconds(31));
        Look(Skewed, 0.98, bound: 1).Should().Be(DriftState.NothingToGain);
        Look(Skewed, 0.92);
        Look(Skewed, 0.92);
        Look(Skewed, 0.92).Should().Be(DriftState.Fires);
    }

    [Fact]
    public void What_no_placement_could_better_does_not_fire()
    {
        for (var look = 0; look < 5; look++)
        {
            Look(Skewed, 0.45, bound: 0.47).Should().Be(DriftState.NothingToGain);
        }
    }

    [Fact]
    public void Too_few_rows_say_nothing()
    {
        Look([.. Skewed.Select(rows => rows / 4.1)], 0.5).Should().Be(DriftState.NotEnoughData);
        Look([0, 0, 0, 0], 1).Should().Be(DriftState.NotEnoughData);
    }

    [Fact]
    public void Nothing_is_confirmed_in_the_cool_down_and_all_of_it_after()
    {
        Fire();
        _detector.Planned(Loads.Model, 1, Skewed);
        for (var second = 0; second < new RebalanceOptions().CoolDown.TotalSeconds; second += 5)
        {
            Look(Even, 0.5).Should().Be(DriftState.CoolingDown);
            _time.Advance(TimeSpan.FromSeconds(5));
        }

        Look(Even, 0.5).Should().Be(DriftState.Confirming);
        Look(Even, 0.5).Should().Be(DriftState.Confirming);
        Look(Even, 0.5).Should().Be(DriftState.Fires);
    }

    [Fact]
    public void A_drift_that_was_planned_for_without_success_is_not_planned_for_again_until_the_load_moves_on()
    {
        Fire();
        _time.Advance(TimeSpan.FromMinutes(1));
        for (var look = 0; look < 10; look++)
        {
            Look(Skewed, 0.5).Should().Be(DriftState.Quiet);
        }

        Look([600, 2200, 600, 600], 0.5);
        Look([600, 2200, 600, 600], 0.5);
        Look([600, 2200, 600, 600], 0.5).Should().Be(DriftState.Fires);
    }

    [Fact]
    public void Between_the_thresholds_it_is_not_armed_again_and_above_the_second_it_is()
    {
        Fire();
        _time.Advance(TimeSpan.FromMinutes(1));
        Look(Skewed, 0.91).Should().Be(DriftState.Quiet);
        Look(Skewed, 0.89).Should().Be(DriftState.Quiet);
        Look(Skewed, 0.94).Should().Be(DriftState.Quiet);
        Look(Skewed, 0.89).Should().Be(DriftState.Confirming);
    }

    [Fact]
    public void Another_number_of_nodes_arms_it_again()
    {
        Fire();
        _time.Advance(TimeSpan.FromMinutes(1));
        Look(Skewed, 0.5).Should().Be(DriftState.Quiet);
        _detector.Rearm(Loads.Model, 1);
        Look(Skewed, 0.5).Should().Be(DriftState.Confirming);
    }

    [Fact]
    public void Distance_is_a_share_of_rows_between_0_and_1() =>
        Gen.Select(Gen.Double[0, 1e6].Array[6], Gen.Double[0, 1e6].Array[6]).Sample((one, other) =>
        {
            Assert.InRange(DriftDetector.Distance(one, other), 0, 1);
            Assert.Equal(0, DriftDetector.Distance(one, one));
        });

    [Fact]
    public void Distance_of_many_rows_is_the_total_variation() =>
        DriftDetector.Distance([2e9, 1e9, 1e9, 0], [1e9, 1e9, 1e9, 1e9]).Should().BeApproximately(0.25, 1e-4);

    private void Fire()
    {
        Look(Skewed, 0.5);
        Look(Skewed, 0.5);
        Look(Skewed, 0.5).Should().Be(DriftState.Fires);
    }

    private DriftState Look(double[] demand, double balancedness, double bound = 1) =>
        _detector.Evaluate(Loads.Model, 1, demand, balancedness, bound).State;
}
