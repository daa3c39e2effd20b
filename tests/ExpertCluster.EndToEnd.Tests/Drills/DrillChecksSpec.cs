using ExpertCluster.Cli.Drills;
using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Drills.Report;
using ExpertCluster.Cli.Drills.Traffic;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class DrillChecksSpec
{
    [Fact]
    public void A_drill_within_its_limits_passes()
    {
        var limits = new DrillLimits { MaxGapSeconds = 3, MaxCoverageSeconds = 10, MaxP99Ratio = 2 };
        DrillChecks.Of(limits, Figures()).Should().OnlyContain(c => c.Pass).And.Contain(c => c.Name == "p99 during ÷ control" && c.Value == 2);
    }

    [Theory]
    [InlineData("failed", 1, 0, 0)]
    [InlineData("wrong", 0, 1, 0)]
    [InlineData("verified answers of the phase with fewest", 0, 0, 1)]
    public void One_request_too_bad_fails_its_check(string name, int failed, int wrong, int missing) =>
        DrillChecks.Of(new DrillLimits(), Figures(failed, wrong, missing)).First(c => c.Name == name).Pass.Should().BeFalse();

    [Fact]
    public void A_figure_that_could_not_be_measured_fails_its_limit() =>
        DrillChecks.Of(new DrillLimits { MaxMoves = 5 }, Figures()).Single(c => c.Name == "moves").Pass.Should().BeFalse();

    [Fact]
    public void An_epoch_with_two_writers_fails_every_drill() =>
        DrillChecks.Of(new DrillLimits(), Figures() with { DisputedEpochs = 1 }).Should().Contain(c => !c.Pass);

    [Theory]
    [InlineData(100, 163, true)]
    [InlineData(100, 165, false)]
    [InlineData(1000, 1099, true)]
    [InlineData(1000, 1101, false)]
    public void Memory_is_flat_within_a_ratio_or_a_few_mebibytes(int before, int after, bool flat) =>
        DrillChecks.Memory(new NodeGrowth("n", Megabytes(before), Megabytes(after)), 1.1, 64).Pass.Should().Be(flat);

    [Fact]
    public void Limits_that_were_asked_for_replace_the_scenarios_own()
    {
        var limits = new DrillLimits { MaxGapSeconds = 3, MaxP99Ratio = 2 }.With(new DrillLimits { MaxGapSeconds = 1, MaxFailed = 7, MaxWrong = null });
        (limits.MaxGapSeconds, limits.MaxFailed, limits.MaxWrong, limits.MaxP99Ratio).Should().Be((1, 7, 0, 2));
    }

    [Fact]
    public void A_scenario_nobody_knows_is_refused_with_the_list_of_all()
    {
        DrillScenarios.Find("kill").Should().ContainSingle().Which.Name.Should().Be("kill");
        DrillScenarios.Find("all").Should().Equal(DrillScenarios.List);
        DrillScenarios.List.Select(s => s.Name).Should().OnlyHaveUniqueItems();
        Assert.Throws<UsageException>(() => DrillScenarios.Find("earthquake")).Message.Should().Contain("'earthquake'").And.ContainAll(
            DrillScenarios.List.Select(s => s.Name));
    }

    private static ProcessFigures Megabytes(int count) => new((long)count << 20, 1, 1);

    private static DrillFigures Figures(int failed = 0, int wrong = 0, int missing = 0) => new()
    {
        Phases =
        [
            Phase("control", 100, 0, 0, 10), Phase("during", 100 - missing, failed, wrong, 20), Phase("after", 100, 0, 0, 10),
        ],
        Answers = 100,
        SaturatedPerSecond = 40,
        OfferedPerSecond = 20,
        LoadShare = 0.5,
        CoverageSeconds = 9,
        Growth = [],
    };

    private static PhaseResult Phase(string name, int answered, int failed, int wrong, double p99) =>
        new(name, 10, answered + failed, answered, failed, 0, wrong, 0, 5, p99, p99, 2, []);
}
