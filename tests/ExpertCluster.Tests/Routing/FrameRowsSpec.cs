using System.Collections.Immutable;
using CsCheck;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Routing;

/// <summary>Rows into frames, and answers out of them, in the element type that the node's experts compute in.</summary>
public sealed class FrameRowsSpec
{
    private static readonly NodeDescription Half = new(
        new NodeId("a", 1), ["expert"], "cuda:0", 1, 1, 1, null, ImmutableDictionary<string, string>.Empty, null)
    {
        ExpertTypes = ImmutableDictionary<string, RowType>.Empty.Add("m", RowType.BFloat16),
    };

    [Fact]
    public void A_frame_for_experts_in_bfloat16_has_half_the_bytes_and_its_answer_comes_back_whole() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 20].Select(h => 2 * h), Gen.Int).Sample((tokens, hidden, seed) =>
        {
            var work = Work(tokens, hidden, seed);
            var frame = OutgoingFrame.Cut([Segment(work, tokens)], 100).Single();
            using var whole = frame.Gather("m", 0, 1, DateTimeOffset.UnixEpoch, null);
            using var half = frame.Gather("m", 0, 1, DateTimeOffset.UnixEpoch, Half);
            Assert.Equal((RowType.Float32, RowType.BFloat16), (whole.Rows.Type, half.Rows.Type));
            Assert.Equal(whole.Rows.Bytes.Count, 2 * half.Rows.Bytes.Count);
            var expected = new ushort[tokens * hidden];
            BFloat16Rows.Narrow(work.Rows.Rows.Span, expected);
            Assert.Equal(expected, half.Rows.Halves.ToArray());
            Assert.Equal(work.Rows.Rows.ToArray(), whole.Rows.Memory.ToArray());

            // The expert answers what it was sent.
            work.Take(Enumerable.Range(0, tokens).ToArray(), half.Rows, 0);
            var widened = new float[expected.Length];
            BFloat16Rows.Widen(expected, widened);
            Assert.Equal(widened, work.Slots.Memory.ToArray());
            return work.Completion.IsCompletedSuccessfully;
        });

    [Theory]
    [InlineData("other model", 4)]
    [InlineData("m", 3)]
    public void Where_bfloat16_is_not_known_to_fit_rows_stay_float32(string model, int hidden)
    {
        var frame = OutgoingFrame.Cut([Segment(Work(2, hidden, 1), 2)], 100).Single();
        using var gathered = frame.Gather(model, 0, 1, DateTimeOffset.UnixEpoch, Half);
        gathered.Rows.Type.Should().Be(RowType.Float32);
    }

    [Fact]
    public void An_answer_with_too_few_rows_counts_as_failed()
    {
        var frame = OutgoingFrame.Cut([Segment(Work(2, 4, 1), 2)], 100).Single();
        using var shorter = new DispatchResult([new SegmentResult(SegmentStatus.Done, 5)], RowBuffer.Rent(4, 1), 1);
        frame.Checked(shorter).Segments.Should().ContainSingle().Which.Should().Be(
            new SegmentResult(SegmentStatus.Failed, 5, "its answer is shorter than its frame"));
        using var enough = new DispatchResult([new SegmentResult(SegmentStatus.Done, 5)], RowBuffer.Rent(8, 1), 1);
        frame.Checked(enough).Should().BeSameAs(enough);
    }

    private static RouteWork Work(int tokens, int hidden, int seed)
    {
        var random = new Random(seed);
        float[] rows = [.. Enumerable.Range(0, tokens * hidden).Select(_ => random.NextSingle() - 0.5f)];
        var routing = new RoutingDecision(tokens, 1, new int[tokens], Enumerable.Repeat(1f, tokens).ToArray());
        return new RouteWork(new RoutedRows(tokens, hidden, rows, routing), "r", DateTimeOffset.UnixEpoch);
    }

    private static RoutedSegment Segment(RouteWork work, int tokens) =>
        new(new ReplicaId(0, 0, 0), new Segment(work, 0, Enumerable.Range(0, tokens).ToArray()));
}
