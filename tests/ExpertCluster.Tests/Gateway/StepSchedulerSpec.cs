using CsCheck;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Models;

namespace ExpertCluster.Tests.Gateway;

/// <summary>The gateway's decisions without a gateway: who starts, and what each step is made of.</summary>
public sealed class StepSchedulerSpec
{
    [Fact]
    public void Who_generates_gets_a_token_in_every_step_however_long_others_prompts_are()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 64, PrefillChunk = 16 });
        var talker = Accept(scheduler, new ScriptedCall("a", 1, 40));
        Step(scheduler);
        var readers = Enumerable.Range(0, 6).Select(_ => Accept(scheduler, new ScriptedCall("b", 500, 1))).ToArray();
        for (var i = 2; i <= 40; i++)
        {
            Step(scheduler).Where(piece => piece.Call != talker).Sum(piece => piece.Count).Should().Be(64, "the budget is used up");
            talker.Answered.Should().Be(i);
        }

        readers.Should().OnlyContain(reader => reader.Fed > 350, "all of them went on");
    }

    [Fact]
    public void A_prompt_alone_gets_the_whole_budget()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 100, PrefillChunk = 16 });
        var only = Accept(scheduler, new ScriptedCall("a", 250, 2));
        Run(scheduler);
        only.Pieces.Should().Equal(100, 100, 50, 1);
    }

    [Fact]
    public void A_short_prompt_does_not_wait_for_long_ones()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 32, PrefillChunk = 8 });
        Enumerable.Range(0, 3).Select(_ => Accept(scheduler, new ScriptedCall("a", 10_000, 1))).ToArray().Should().HaveCount(3);
        Step(scheduler);
        var brief = Accept(scheduler, new ScriptedCall("a", 8, 1));
        Step(scheduler);
        brief.IsOver.Should().BeTrue("each of the four prompts has a turn of eight");
    }

    [Fact]
    public void Prompts_share_the_budget_by_client_and_not_by_number()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 64, PrefillChunk = 8 });
        var many = Enumerable.Range(0, 20).Select(_ => Accept(scheduler, new ScriptedCall("many", 1000, 1))).ToArray();
        var one = Accept(scheduler, new ScriptedCall("one", 1000, 1));
        for (var i = 0; i < 10; i++)
        {
            Step(scheduler);
        }

        one.Fed.Should().Be(320, "half of ten budgets");
        many.Sum(call => call.Fed).Should().Be(320);
        many.Should().OnlyContain(call => call.Fed == 16, "and the twenty share the other half evenly");
    }

    [Fact]
    public void With_a_budget_of_one_turn_a_stream_of_short_prompts_starves_nobody()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 8, PrefillChunk = 8, MaxActive = 4 });
        var patient = Accept(scheduler, new ScriptedCall("patient", 80, 1));
        for (var i = 0; i < 22; i++)
        {
            Accept(scheduler, new ScriptedCall("eager", 8, 1));
            Step(scheduler);
        }

        patient.IsOver.Should().BeTrue("every other turn is its");
    }

    [Fact]
    public void One_request_goes_before_the_two_hundred_that_another_client_has_waiting()
    {
        var scheduler = Scheduler(new GatewayOptions { MaxActive = 4, MaxQueued = 1000 });
        for (var i = 0; i < 200; i++)
        {
            Accept(scheduler, new ScriptedCall("many", 4, 10));
        }

        Step(scheduler);
        var one = Accept(scheduler, new ScriptedCall("one", 4, 3));
        var steps = 0;
        while (!one.IsOver)
        {
            Step(scheduler);
            steps++;
        }

        steps.Should().BeLessThanOrEqualTo(13, "the first place that becomes free is its");
        scheduler.WaitingCount.Should().BeGreaterThan(190);
    }

    [Fact]
    public void Clients_that_both_have_work_waiting_have_the_same_number_of_places()
    {
        var scheduler = Scheduler(new GatewayOptions { MaxActive = 10, MaxQueued = 1000 });
        for (var i = 0; i < 100; i++)
        {
            Accept(scheduler, new ScriptedCall("long", 2, 50));
            Accept(scheduler, new ScriptedCall("short", 2, 2 + (i % 3)));
        }

        for (var i = 0; i < 30; i++)
        {
            Step(scheduler);
        }

        scheduler.Admit();
        scheduler.Active.GroupBy(call => call.Client).Select(group => group.Count()).Should().Equal(5, 5);
    }

    [Fact]
    public void One_client_fills_its_share_of_the_queue_and_no_more()
    {
        var scheduler = Scheduler(new GatewayOptions { MaxActive = 1, MaxQueued = 5, ClientQueueShare = 0.5 });
        Accept(scheduler, new ScriptedCall("a", 1, 9));
        for (var i = 0; i < 3; i++)
        {
            Accept(scheduler, new ScriptedCall("a", 1, 1));
        }

        scheduler.Accept(new ScriptedCall("a", 1, 1), out _).Should().Contain("3 requests of this client wait").And.Contain("ClientQueueShare");
        Accept(scheduler, new ScriptedCall("b", 1, 1));
        Accept(scheduler, new ScriptedCall("c", 1, 1));
        scheduler.Accept(new ScriptedCall("d", 1, 1), out _).Should().Contain("5 wait").And.Contain("MaxQueued");
        scheduler.WaitingCount.Should().Be(5);
        Run(scheduler);
        scheduler.WaitingCount.Should().Be(0);
    }

    [Fact]
    public void Nobody_waits_where_there_is_no_queue_and_who_fits_needs_none()
    {
        var scheduler = Scheduler(new GatewayOptions { MaxActive = 1, MaxQueued = 0 });
        Accept(scheduler, new ScriptedCall("a", 1, 9));
        scheduler.Accept(new ScriptedCall("b", 1, 1), out _).Should().Contain("1 sequences are active and 0 wait");
    }

    [Fact]
    public void The_next_in_turn_is_not_passed_over_when_its_cache_does_not_fit_yet()
    {
        var scheduler = Scheduler(new GatewayOptions { KvCacheBytes = 100 });
        var first = Accept(scheduler, new ScriptedCall("a", 50, 10));
        var large = new ScriptedCall("b", 60, 10);
        scheduler.Accept(large, out _).Should().BeNull();
        scheduler.Accept(new ScriptedCall("a", 5, 5), out var started).Should().BeNull();
        started.Should().BeEmpty("the large one is first");
        while (!first.IsOver)
        {
            Step(scheduler);
        }

        scheduler.Admit();
        scheduler.Active[0].Should().BeSameAs(large);
        scheduler.CacheBytes.Should().BeLessThanOrEqualTo(100);
    }

    [Fact]
    public void More_sequences_start_than_could_all_come_to_their_longest_and_the_younger_pause()
    {
        var scheduler = Scheduler(new GatewayOptions { KvCacheBytes = 100 });
        var calls = Enumerable.Range(0, 5).Select(_ => Accept(scheduler, new ScriptedCall("a", 10, 60))).ToArray();
        scheduler.Active.Should().HaveCount(4, "with a fifth prompt the first could not come to its 70");
        var paused = 0;
        while (Step(scheduler) is { Count: > 0 } pieces)
        {
            scheduler.CacheBytes.Should().BeLessThanOrEqualTo(100);
            paused += scheduler.Active.Count - pieces.Count;
            var oldest = calls.First(call => !call.IsOver || pieces.Any(piece => piece.Call == call));
            pieces.Should().Contain(piece => piece.Call == oldest, "the oldest never pauses");
        }

        calls.Should().OnlyContain(call => call.Answered == 60);
        paused.Should().BePositive();
    }

    [Fact]
    public void Sources_are_read_whole_and_alternate_with_the_tokens_of_others()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 100 });
        var talker = Accept(scheduler, new ScriptedCall("a", 1, 10, source: 5));
        Step(scheduler).Should().Equal(new StepPiece(talker, 5, Encode: true));
        var readers = new[] { 60, 300, 30, 10 }.Select(n => Accept(scheduler, new ScriptedCall("b", 1, 1, source: n))).ToArray();
        List<string> kinds = [];
        for (var i = 0; i < 6; i++)
        {
            var pieces = Step(scheduler);
            kinds.Add(pieces.Any(piece => piece.Encode) ? string.Join('+', pieces.Select(piece => piece.Count)) : "tokens");
        }

        kinds.Should().Equal("tokens", "60", "tokens", "300", "tokens", "30+10");
        talker.Answered.Should().Be(3);
        Run(scheduler);
        readers.Should().OnlyContain(reader => reader.IsOver);
    }

    [Fact]
    public void A_captured_pass_computes_alone_and_in_one_piece()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 8, PrefillChunk = 4 });
        Accept(scheduler, new ScriptedCall("a", 100, 3));
        var captured = Accept(scheduler, new ScriptedCall("b", 50, 1, capture: new StepCapture()));
        Step(scheduler).Should().Equal(new StepPiece(captured, 50));
    }

    [Fact]
    public void A_pass_token_by_token_is_fed_like_a_generation()
    {
        var scheduler = Scheduler(new GatewayOptions { PrefillTokens = 8, PrefillChunk = 4 });
        var single = Accept(scheduler, new ScriptedCall("a", 20, 1, maxPiece: 1));
        Accept(scheduler, new ScriptedCall("b", 100, 1));
        Run(scheduler);
        single.Pieces.Should().Equal(Enumerable.Repeat(1, 20));
    }

    [Fact]
    public void Two_steps_at_once_are_halves_and_share_no_sequence()
    {
        var scheduler = Scheduler(new GatewayOptions { OverlapSequences = 4, PrefillTokens = 64, PrefillChunk = 16 });
        var talkers = Enumerable.Range(0, 7).Select(_ => Accept(scheduler, new ScriptedCall("a", 1, 50))).ToArray();
        Accept(scheduler, new ScriptedCall("b", 200, 1));
        Accept(scheduler, new ScriptedCall("b", 200, 1));
        var first = scheduler.FormStep();
        var second = scheduler.FormStep();
        scheduler.FormStep().Should().BeEmpty("two are enough");
        (first.Count(piece => piece.Count == 1), second.Count(piece => piece.Count == 1)).Should().Be((4, 3));
        first.Where(piece => piece.Count > 1).Sum(piece => piece.Count).Should().Be(32, "half of the budget");
        first.Select(piece => piece.Call).Intersect(second.Select(piece => piece.Call)).Should().BeEmpty();

        // The halves go on by themselves, each as fast as it can.
        for (var i = 0; i < 5; i++)
        {
            End(scheduler, first);
            first = scheduler.FormStep();
        }

        talkers.Count(call => call.Answered == 5).Should().Be(4);
        talkers.Count(call => call.Answered == 0).Should().Be(3);
    }

    [Fact]
    public void Halves_even_out_when_sequences_join()
    {
        var scheduler = Scheduler(new GatewayOptions { OverlapSequences = 4 });
        for (var i = 0; i < 7; i++)
        {
            Accept(scheduler, new ScriptedCall("a", 1, 50));
        }

        var first = scheduler.FormStep();
        var second = scheduler.FormStep();
        for (var i = 0; i < 5; i++)
        {
            Accept(scheduler, new ScriptedCall("a", 1, 50));
        }

        for (var i = 0; i < 2; i++)
        {
            End(scheduler, first);
            first = scheduler.FormStep();
            End(scheduler, second);
            second = scheduler.FormStep();
        }

        (first.Count, second.Count).Should().Be((6, 6));
        first.Concat(second).Select(piece => piece.Call).Should().OnlyHaveUniqueItems();
    }

    [Theory]
    [InlineData(0, 32)]
    [InlineData(4, 3)]
    [InlineData(1, 1)]
    public void With_fewer_sequences_there_is_one_step_of_all(int overlap, int sequences)
    {
        var scheduler = Scheduler(new GatewayOptions { OverlapSequences = overlap });
        for (var i = 0; i < sequences; i++)
        {
            Accept(scheduler, new ScriptedCall("a", 1, 5));
        }

        scheduler.FormStep().Should().HaveCount(sequences);
        scheduler.FormStep().Should().BeEmpty();
    }

    [Fact]
    public void A_captured_pass_waits_for_both_steps_and_has_nothing_beside_it()
    {
        var scheduler = Scheduler(new GatewayOptions { OverlapSequences = 2 });
        for (var i = 0; i < 4; i++)
        {
            Accept(scheduler, new ScriptedCall("a", 1, 5));
        }

        var (first, second) = (scheduler.FormStep(), scheduler.FormStep());
        var captured = Accept(scheduler, new ScriptedCall("b", 50, 1, capture: new StepCapture()));
        End(scheduler, first);
        scheduler.FormStep().Should().BeEmpty();
        End(scheduler, second);
        var alone = scheduler.FormStep();
        alone.Should().Equal(new StepPiece(captured, 50));
        scheduler.FormStep().Should().BeEmpty();
        End(scheduler, alone);
        (scheduler.FormStep().Count, scheduler.FormStep().Count).Should().Be((2, 2));
    }

    [Fact]
    public void What_is_over_stays_until_its_step_has_ended()
    {
        var scheduler = Scheduler(new GatewayOptions { OverlapSequences = 2, KvCacheBytes = 100 });
        var calls = Enumerable.Range(0, 2).Select(_ => Accept(scheduler, new ScriptedCall("a", 1, 5))).ToArray();
        var (first, second) = (scheduler.FormStep(), scheduler.FormStep());
        Array.ForEach(calls, call => call.Fail(new OperationCanceledException()));
        scheduler.RemoveOver().Should().BeEmpty();
        scheduler.EndStep([first[0].Call]);
        scheduler.RemoveOver().Should().Equal(first[0].Call);
        scheduler.EndStep([second[0].Call]);
        scheduler.RemoveOver().Should().Equal(second[0].Call);
        scheduler.CacheBytes.Should().Be(0);
    }

    [Fact]
    public void Whatever_comes_every_request_ends_within_all_limits() =>
        Gen.Select(
            Gen.Select(Gen.Int[1, 6], Gen.Int[1, 40], Gen.Int[1, 12], Gen.Int[0, 5]),
            Gen.Select(Gen.Int[0, 4], Gen.Int[1, 60], Gen.Int[1, 8], Gen.Bool).Array[1, 40]).Sample((limits, requests) =>
        {
            var (active, budget, chunk, overlap) = limits;
            var scheduler = Scheduler(new GatewayOptions
            {
                MaxActive = active,
                PrefillTokens = budget,
                PrefillChunk = chunk,
                OverlapSequences = overlap,
                MaxQueued = 100,
                ClientQueueShare = 1,
                KvCacheBytes = 130,
            });
            List<ScriptedCall> calls = [];
            foreach (var (client, prompt, answers, encoder) in requests)
            {
                calls.Add(Accept(scheduler, new ScriptedCall($"{client}", prompt, answers, encoder ? prompt : 0)));
                Check(Step(scheduler));
            }

            Queue<IReadOnlyList<StepPiece>> steps = [];
            for (var i = 0; calls.Exists(call => !call.IsOver); i++)
            {
                Assert.True(i < 10_000, "it ends");
                scheduler.Admit();
                while (scheduler.FormStep() is { Count: > 0 } pieces)
                {
                    Check(pieces);
                    steps.Enqueue(pieces);
                }

                Assert.InRange(steps.Count, 1, 2);
                Assert.Distinct(steps.SelectMany(step => step).Select(piece => piece.Call));
                End(scheduler, steps.Dequeue());
            }

            Assert.Equal(0, scheduler.CacheBytes);
            Assert.Equal(0, scheduler.WaitingCount);

            void Check(IReadOnlyList<StepPiece> pieces)
            {
                Assert.NotEmpty(pieces);
                Assert.True(scheduler.Active.Count <= active);
                Assert.True(scheduler.CacheBytes <= 130);
                Assert.Equal(pieces.Count, pieces.Select(piece => piece.Call).Distinct().Count());
                Assert.Single(pieces.Select(piece => piece.Encode).Distinct());
                Assert.True(pieces[0].Encode || pieces.Where(piece => piece.Count > 1).Sum(piece => piece.Count) <= budget);
            }
        });

    private static StepScheduler Scheduler(GatewayOptions options) => new(options, new TokenSizes());

    private static ScriptedCall Accept(StepScheduler scheduler, ScriptedCall call)
    {
        scheduler.Accept(call, out _).Should().BeNull();
        return call;
    }

    private static IReadOnlyList<StepPiece> Step(StepScheduler scheduler)
    {
        scheduler.RemoveOver();
        scheduler.Admit();
        var pieces = scheduler.FormStep();
        End(scheduler, pieces);
        return pieces;
    }

    private static void End(StepScheduler scheduler, IReadOnlyList<StepPiece> pieces)
    {
        if (pieces.Count == 0)
        {
            return;
        }

        foreach (var piece in pieces)
        {
            ((ScriptedCall)piece.Call).Compute(piece);
        }

        scheduler.EndStep(pieces.Select(piece => piece.Call));
        scheduler.RemoveOver();
    }

    private static void Run(StepScheduler scheduler)
    {
        while (Step(scheduler).Count > 0)
        {
        }
    }
}
