using ExpertCluster.Models;
using ExpertCluster.Models.Synthetic;
using ExpertCluster.Moe;
using ExpertCluster.Tensors.Checkpoints;
using ExpertCluster.Tests.Tensors;

namespace ExpertCluster.Tests.Models;

public sealed class DecoderModelTests
{
    private const double Tolerance = 1e-4;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<SyntheticCheckpointOptions> Kinds =>
    [
        new SyntheticCheckpointOptions(),
        new SyntheticCheckpointOptions { Tied = true, OldRopeSpelling = true, Seed = 2 },
        new SyntheticCheckpointOptions { SlidingWindow = 8, Seed = 3 },
        new SyntheticCheckpointOptions { SlidingWindow = 1, Seed = 4 },
        new SyntheticCheckpointOptions { Type = TensorType.BF16, Shards = 3, Seed = 5 },
        new SyntheticCheckpointOptions { Type = TensorType.F16, KvHeads = 4, HeadDim = 16, Seed = 6 },
        new SyntheticCheckpointOptions { Heads = 8, KvHeads = 1, Experts = 7, TopK = 3, Layers = 3, Seed = 7 },
        new SyntheticCheckpointOptions { Experts = 1, TopK = 1, Layers = 1, Seed = 8 },
    ];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Equals_the_plain_implementation_in_one_go_and_through_the_cache(SyntheticCheckpointOptions options)
    {
        using TempFolder folder = TestCheckpoints.Write(options);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        int[] ids = Ids(100, options.Vocab);
        float[] expected = await fixture.Executor.RunAsync(() => NaiveMixtral.Logits(fixture.Checkpoint, ids), Ct);

        using DecoderSequence whole = fixture.Model.NewSequence();
        Error(await fixture.LogitsAsync(whole, ids, LogitsWanted.All), expected).Should().BeLessThan(Tolerance);

        // A prompt in uneven chunks, then token by token; crosses several growths of the cache and, with a window, evictions.
        using DecoderSequence chunked = fixture.Model.NewSequence();
        var actual = new List<float>();
        int at = 0;
        foreach (int count in (int[])[5, 1, 20, 3, 30, .. Enumerable.Repeat(1, 41)])
        {
            actual.AddRange(await fixture.LogitsAsync(chunked, ids[at..(at + count)], LogitsWanted.All));
            at += count;
            chunked.Length.Should().Be(at);
        }

        Error([.. actual], expected).Should().BeLessThan(Tolerance);
        if (options.SlidingWindow is not null)
        {
            chunked.Start.Should().BeGreaterThan(0, "what left the window is let go");
        }
    }

    [Fact]
    public async Task A_window_bounds_the_cache()
    {
        using TempFolder folder = TestCheckpoints.Write(new SyntheticCheckpointOptions { SlidingWindow = 16, MaxContext = 4096, Layers = 1 });
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        for (int i = 0; i < 1000; i++)
        {
            await fixture.LogitsAsync(sequence, [i % 64], LogitsWanted.None);
        }

        sequence.Length.Should().Be(1000);
        sequence.Capacity.Should().BeLessThanOrEqualTo(64);
        sequence.Bytes.Should().Be(2L * 2 * sequence.Capacity * 8 * 4);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(16)]
    [InlineData(96)]
    [InlineData(64)]
    public async Task The_cache_is_whole_pages_and_its_size_is_known_before_each_step(int? window)
    {
        using TempFolder folder = TestCheckpoints.Write(new SyntheticCheckpointOptions { SlidingWindow = window, MaxContext = 4096, Layers = 1 });
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        var random = new Random(window ?? 0);
        for (int round = 0; round < 10; round++)
        {
            using DecoderSequence sequence = fixture.Model.NewSequence();
            int length = 0;
            for (int i = 0; i < 40; i++)
            {
                int count = i % 4 == 0 ? random.Next(1, 50) : 1;
                long expected = sequence.BytesAfter(count);
                await fixture.LogitsAsync(sequence, Ids(count, 64), LogitsWanted.None);
                length += count;
                sequence.Bytes.Should().Be(expected);
                (sequence.Capacity % 64).Should().Be(0);
                sequence.Bytes.Should().BeLessThanOrEqualTo(fixture.Model.KvBytes(length, step: 50)).And.BeLessThanOrEqualTo(fixture.Model.KvBytes(1000, step: 50));
                if (window is null)
                {
                    sequence.Capacity.Should().BeLessThan(length + 64);
                }
            }
        }
    }

    [Fact]
    public async Task A_batch_equals_its_sequences_one_by_one()
    {
        using TempFolder folder = TestCheckpoints.Write(new SyntheticCheckpointOptions { SlidingWindow = 24 });
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        int[] lengths = [1, 40, 7, 1, 33];
        DecoderSequence[] together = [.. lengths.Select(_ => fixture.Model.NewSequence())];
        DecoderSequence[] alone = [.. lengths.Select(_ => fixture.Model.NewSequence())];
        for (int round = 0; round < 4; round++)
        {
            int[][] tokens = [.. lengths.Select((n, i) => Ids(round == 0 ? n : (round + i) % 3 == 0 ? 5 : 1, 64, seed: (10 * round) + i))];
            LogitsWanted[] wanted = [LogitsWanted.All, LogitsWanted.Last, LogitsWanted.None, LogitsWanted.Last, LogitsWanted.All];
            StepResult result = await fixture.Model.StepAsync(
                [.. together.Select((s, i) => new StepSlice(s, tokens[i], wanted[i]))], fixture.Experts, Ct);
            for (int i = 0; i < alone.Length; i++)
            {
                float[] single = await fixture.LogitsAsync(alone[i], tokens[i], wanted[i]);
                result.Logits[i].Length.Should().Be(single.Length);
                if (single.Length > 0)
                {
                    Error(result.Logits[i], single).Should().BeLessThan(1e-5);
                }
            }
        }

        foreach (DecoderSequence sequence in together.Concat(alone))
        {
            sequence.Dispose();
        }
    }

    [Fact]
    public async Task A_step_that_fails_half_way_changes_nothing()
    {
        using TempFolder folder = TestCheckpoints.Write(new SyntheticCheckpointOptions { Layers = 3, SlidingWindow = 16 });
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        int[] ids = Ids(80, 64);
        using DecoderSequence steady = fixture.Model.NewSequence();
        using DecoderSequence shaken = fixture.Model.NewSequence();
        for (int at = 0; at < ids.Length; at += 10)
        {
            int[] chunk = ids[at..(at + 10)];
            var failing = new FailingBackend(fixture.Experts, failAt: at / 10 % 3);
            Func<Task> failed = () => fixture.Model.StepAsync([new StepSlice(shaken, Ids(25, 64, seed: at), LogitsWanted.All)], failing, Ct);
            await failed.Should().ThrowAsync<IOException>();
            shaken.Length.Should().Be(at);
            (await fixture.LogitsAsync(shaken, chunk)).Should().Equal(await fixture.LogitsAsync(steady, chunk));
        }
    }

    [Fact]
    public async Task Cancelling_ends_a_step_and_leaves_the_sequence_usable()
    {
        using TempFolder folder = TestCheckpoints.Write();
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        using var cancel = new CancellationTokenSource();
        Func<Task> step = () => fixture.Model.StepAsync(
            [new StepSlice(sequence, new int[] { 1 }, LogitsWanted.Last)], new CancellingBackend(cancel), cancel.Token);
        await step.Should().ThrowAsync<OperationCanceledException>();
        sequence.Length.Should().Be(0);
        await fixture.LogitsAsync(sequence, [1]);
        sequence.Length.Should().Be(1);
    }

    [Fact]
    public async Task Truncating_goes_back_to_an_earlier_length()
    {
        using TempFolder folder = TestCheckpoints.Write();
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        await fixture.LogitsAsync(sequence, Ids(20, 64));
        float[] first = await fixture.LogitsAsync(sequence, [5]);
        await fixture.LogitsAsync(sequence, Ids(100, 64, seed: 9));
        sequence.Truncate(20);
        (await fixture.LogitsAsync(sequence, [5])).Should().Equal(first);
        FluentActions.Invoking(() => sequence.Truncate(22)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task Wrong_input_is_refused_before_anything_starts()
    {
        using TempFolder folder = TestCheckpoints.Write(new SyntheticCheckpointOptions { MaxContext = 16 });
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        await Refused<ArgumentOutOfRangeException>(new StepSlice(sequence, new[] { 3, 64 }, LogitsWanted.Last), "*64*vocabulary*");
        await Refused<ArgumentOutOfRangeException>(new StepSlice(sequence, new[] { -1 }, LogitsWanted.Last), "*-1*");
        await Refused<ArgumentException>(new StepSlice(sequence, default, LogitsWanted.Last), "*no tokens*");
        await Refused<ArgumentException>(new StepSlice(sequence, new int[17], LogitsWanted.Last), "*context of 16*");
        sequence.Length.Should().Be(0);
        await FluentActions.Awaiting(() => fixture.Model.StepAsync([], fixture.Experts, Ct)).Should().ThrowAsync<ArgumentException>();
        var slice = new StepSlice(sequence, new[] { 1 }, LogitsWanted.None);
        await FluentActions.Awaiting(() => fixture.Model.StepAsync([slice, slice], fixture.Experts, Ct))
            .Should().ThrowAsync<ArgumentException>().WithMessage("*twice*");
        sequence.Dispose();
        await FluentActions.Awaiting(() => fixture.LogitsAsync(sequence, [1])).Should().ThrowAsync<ObjectDisposedException>();

        async Task Refused<T>(StepSlice wrong, string message)
            where T : Exception =>
            await FluentActions.Awaiting(() => fixture.Model.StepAsync([wrong], fixture.Experts, Ct)).Should().ThrowAsync<T>().WithMessage(message);
    }

    [Fact]
    public async Task The_gate_of_a_layer_can_be_asked_alone()
    {
        using TempFolder folder = TestCheckpoints.Write();
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        var recorder = new RecordingBackend(fixture.Experts);
        using DecoderSequence sequence = fixture.Model.NewSequence();
        await fixture.Model.StepAsync([new StepSlice(sequence, Ids(9, 64), LogitsWanted.None)], recorder, Ct);
        RoutingDecision routing = await fixture.Model.RouteAsync(1, recorder.Rows[1], 9);
        routing.Experts.Should().Equal(recorder.Routings[1].Experts);
        routing.Weights.Should().Equal(recorder.Routings[1].Weights);
        await FluentActions.Awaiting(() => fixture.Model.RouteAsync(2, recorder.Rows[1], 9)).Should().ThrowAsync<ArgumentException>();
        await FluentActions.Awaiting(() => fixture.Model.RouteAsync(1, recorder.Rows[1], 8)).Should().ThrowAsync<ArgumentException>();
    }

    private static double Error(float[] actual, float[] expected) => ModelFixture.RelativeError(actual, expected);

    private static int[] Ids(int count, int vocabulary, int seed = 0)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(3, vocabulary))];
    }

    private sealed class CancellingBackend(CancellationTokenSource source) : IExpertBackend
    {
        public Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct) => source.CancelAsync();
    }

    private sealed class RecordingBackend(IExpertBackend inner) : IExpertBackend
    {
        public List<float[]> Rows { get; } = [];

        public List<RoutingDecision> Routings { get; } = [];

        public Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct)
        {
            Rows.Add(rows.Rows.ToArray());
            Routings.Add(rows.Routing);
            return inner.ApplyAsync(layer, rows, output, ct);
        }
    }
}
