using CsCheck;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Tests.Inspection;

public sealed class RoutingInspectionSpec
{
    [Fact]
    public void Shares_sum_to_1_in_every_layer_and_every_text() => Traces.Any.Sample(trace =>
    {
        InspectionReport report = Traces.Analyse(trace);
        LayerReport layer = report.Layers[0];
        layer.Experts.Sum(e => e.Share).Should().BeApproximately(1, 1e-12);
        layer.Experts.Sum(e => e.FirstShare).Should().BeApproximately(1, 1e-12);
        layer.Experts.Sum(e => e.Assignments).Should().Be((long)trace.Count * trace.TopK);
        layer.LoadEvenness.Should().BeInRange(-1e-12, 1 + 1e-12);
        report.FileTokens.Sum().Should().Be(trace.Count);
        for (int file = 0; file < trace.Files; file++)
        {
            layer.Experts.Sum(e => e.FileShares[file]).Should().BeApproximately(1, 1e-12);
        }
    });

    [Fact]
    public void Specialisation_weighted_by_share_is_what_the_token_tells_above_chance() => Traces.Any.Sample(trace =>
    {
        LayerReport layer = Traces.Analyse(trace).Layers[0];
        layer.Experts.Sum(e => e.Share * e.Specialisation).Should().BeApproximately(layer.Token.Excess, 1e-9);
    });

    [Fact]
    public void A_text_alone_has_no_topic_and_two_have() => Traces.Any.Sample(trace =>
    {
        InspectionReport report = Traces.Analyse(trace);
        (report.Leaning is null).Should().Be(trace.Files == 1);
        (report.Layers[0].Topic is null).Should().Be(trace.Files == 1);
    });

    [Fact]
    public void Experts_chosen_by_the_token_follow_syntax()
    {
        RoutingTrace trace = Routed((token, _) => token % 8);
        InspectionReport report = Traces.Analyse(trace);
        report.Leaning.Should().Be(Leaning.Syntax);
        report.Layers[0].Token.Bits.Should().BeApproximately(report.Layers[0].LoadBits, 1e-9, "the token decides");
        report.TopicBits.Should().BeInRange(-0.01, 0.01);
        report.Layers[0].Topic!.Reached.Should().BeGreaterThan(0.05);
        report.Layers[0].Topic!.GivenToken.Bits.Should().BeApproximately(0, 1e-9);
    }

    [Fact]
    public void Experts_chosen_by_the_text_follow_topic()
    {
        RoutingTrace trace = Routed((_, file) => file);
        InspectionReport report = Traces.Analyse(trace);
        report.Leaning.Should().Be(Leaning.Topic);
        report.Layers[0].Topic!.File.Bits.Should().BeApproximately(1, 1e-9);
        report.Layers[0].Topic!.Reached.Should().BeLessThan(0.05);
        report.SyntaxBits.Should().BeInRange(-0.02, 0.02);
        report.Layers[0].Topic!.GivenToken.Excess.Should().BeGreaterThan(0.9);
    }

    [Fact]
    public void Runs_of_neighbours_are_no_topic()
    {
        // Each window keeps to one expert, at random: tokens seen as independent would make a topic of it.
        var random = new Random(11);
        var trace = new RoutingTrace([0], 8, 1, 2);
        for (int window = 0; window < 16; window++)
        {
            ushort expert = (ushort)random.Next(8);
            trace.Append(window % 2, [.. Enumerable.Range(0, 64).Select(_ => random.Next(30))], [[.. Enumerable.Repeat(expert, 64)]]);
        }

        TopicReport topic = Traces.Analyse(trace, new InspectionOptions { Shuffles = 500 }).Layers[0].Topic!;
        topic.File.Bits.Should().BeGreaterThan(0.2);
        topic.File.Excess.Should().BeInRange(-0.15, 0.15);
        topic.Reached.Should().BeGreaterThan(0.05);
    }

    [Fact]
    public void A_window_for_each_text_can_not_be_told_from_chance()
    {
        TopicReport topic = Traces.Analyse(Traces.Of(2, ([1, 2, 3], [0, 0, 0]), ([1, 2, 3], [1, 1, 1]))).Layers[0].Topic!;
        topic.File.Bits.Should().BeApproximately(1, 1e-12);
        topic.File.Excess.Should().BeApproximately(0, 1e-12);
        topic.Reached.Should().Be(1);
    }

    [Fact]
    public void Favourites_are_what_an_expert_takes_above_frequency_most_often_first()
    {
        // Expert 0 takes all of token 9 and half of token 7, expert 1 the other half of 7 and all of 5; token 4 occurs once.
        RoutingTrace trace = Traces.Of(2, ([9, 9, 9, 9, 7, 7, 7, 7, 5, 5, 5, 4], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]));
        IReadOnlyList<ExpertReport> experts = Traces.Analyse(trace).Layers[0].Experts;
        experts[0].Favourites.Should().Equal(new FavouriteToken(9, 4, 4, 2));
        experts[1].Favourites.Should().Equal(new FavouriteToken(5, 3, 3, 2));
        Traces.Analyse(trace, new InspectionOptions { Favourites = 0 }).Layers[0].Experts[0].Favourites.Should().BeEmpty();
    }

    [Fact]
    public void Layers_that_choose_alike_tell_all_about_each_other()
    {
        var random = new Random(2);
        var trace = new RoutingTrace([1, 3], 4, 2, 1);
        ushort[] choices = [.. Enumerable.Range(0, 300).SelectMany(_ => Traces.Distinct(random, 4, 2))];
        ushort[] renamed = [.. choices.Select(expert => (ushort)(3 - expert))];
        trace.Append(0, [.. Enumerable.Range(0, 300)], [choices, renamed]);
        InspectionReport report = Traces.Analyse(trace);
        report.Layers.Select(layer => layer.Layer).Should().Equal(1, 3);
        report.Layers[0].LayerBefore.Should().BeNull();
        report.FirstToLast!.Value.Bits.Should().BeApproximately(report.Layers[1].LayerBefore!.Value.Bits, 1e-12).And.BeInRange(1.9, 2);
        report.FirstToLast.Value.ByChance.Should().BeLessThan(0.05);
    }

    [Fact]
    public void The_same_seed_gives_the_same_report()
    {
        string[] reports = [.. new long[] { 7, 7, 8 }.Select(seed => Traces.Analyse(Routed((token, _) => token % 8), new InspectionOptions { Seed = seed }))
            .Select(report => $"{report.TopicBits:r}")];
        reports[1].Should().Be(reports[0]);
        reports[2].Should().NotBe(reports[0]);
    }

    [Fact]
    public void What_does_not_fit_a_trace_is_refused_and_changes_nothing()
    {
        var trace = new RoutingTrace([0, 1], 4, 2, 1);
        foreach (Action wrong in (Action[])
        [
            () => trace.Append(1, [1], [[0, 1], [0, 1]]),
            () => trace.Append(0, [], [[], []]),
            () => trace.Append(0, [1], [[0, 1]]),
            () => trace.Append(0, [1], [[0, 1], [0]]),
            () => trace.Append(0, [1], [[0, 1], [0, 4]]),
        ])
        {
            wrong.Should().Throw<ArgumentException>();
        }

        trace.Count.Should().Be(0);
        trace.Choices(0).Length.Should().Be(0);
        Action empty = () => Traces.Analyse(trace);
        empty.Should().Throw<ArgumentException>();
    }

    /// <summary>Two texts of eight windows each with tokens at random, and a rule for the expert.</summary>
    private static RoutingTrace Routed(Func<int, int, int> rule)
    {
        var random = new Random(4);
        var trace = new RoutingTrace([0], 8, 1, 2);
        for (int window = 0; window < 16; window++)
        {
            int file = window % 2;
            int[] tokens = [.. Enumerable.Range(0, 64).Select(_ => random.Next(24))];
            trace.Append(file, tokens, [[.. tokens.Select(token => (ushort)rule(token, file))]]);
        }

        return trace;
    }
}
