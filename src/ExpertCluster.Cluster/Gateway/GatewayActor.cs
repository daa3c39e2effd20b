using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Computes steps of one model as <see cref="StepScheduler"/> forms them, one at a time or two over different sequences, and hands out what
/// they give. Sequences join and leave between steps.
/// </summary>
internal sealed class GatewayActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>A step that waits longer than this is given up when one of its sequences is over, and formed again without it.</summary>
    private static readonly TimeSpan LongStep = TimeSpan.FromSeconds(1);

    /// <summary>Routers notice a deadline themselves and know better what was missing; the gateway's own word comes after theirs.</summary>
    private static readonly TimeSpan DeadlineGrace = TimeSpan.FromMilliseconds(500);

    private readonly SequenceModel _model;
    private readonly ModelShape _shape;
    private readonly Func<string, DateTimeOffset, IExpertBackend> _experts;
    private readonly GatewayStatistics _statistics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly StepScheduler _scheduler;
    private readonly List<Step> _steps = [];

    public GatewayActor(
        GatewayOptions options, SequenceModel model, ModelShape shape, Func<string, DateTimeOffset, IExpertBackend> experts,
        GatewayStatistics statistics, TimeProvider time, ILogger log)
    {
        _statistics = statistics;
        _scheduler = new StepScheduler(options, new CacheSizes(model, options.PrefillTokens));
        _model = model;
        _shape = shape;
        _experts = experts;
        _time = time;
        _log = log;

        Receive<Submit>(submit => Accept(submit.Call));
        Receive<GiveUp>(giveUp => End(giveUp.Call, new OperationCanceledException(giveUp.Token)));
        Receive<StepDone>(done => OnDone(done.Step, done.Result));
        Receive<StepFailed>(failed => OnFailed(failed.Step, failed.Error));
        Receive<Tick>(_ => OnTick());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TickInterval);

    protected override void PostStop()
    {
        _statistics.Close();
        _steps.ForEach(step => step.Cancellation.Cancel());
        var error = new RequestFailedException(RequestError.GatewayUnavailable, "This gateway is shutting down.");
        foreach (var call in _scheduler.Waiting.Concat(_scheduler.Active))
        {
            call.Fail(error);
            call.Sequence?.Dispose();
        }
    }

    private void Accept(GatewayCall call)
    {
        if (call.IsOver)
        {
            return;
        }

        var refusal = _scheduler.Accept(call, out var started);
        Start(started);
        if (refusal is not null)
        {
            call.Fail(new RequestFailedException(RequestError.QueueFull, refusal, TimeSpan.FromSeconds(1)));
            return;
        }

        StartSteps();
    }

    private void Start(IReadOnlyList<GatewayCall> started)
    {
        foreach (var call in started)
        {
            call.Sequence = _model.NewSequence();
        }
    }

    private void StartSteps()
    {
        Start(_scheduler.Admit());
        _statistics.Set(_scheduler.Active.Count, _scheduler.WaitingCount, _scheduler.CacheBytes);
        while (_scheduler.FormStep() is { Count: > 0 } pieces)
        {
            var calls = pieces.Select(piece => piece.Call).ToList();
            var slices = pieces.Select(Slice).ToArray();
            var step = new Step(calls, Array.ConvertAll(slices, slice => slice.Tokens.Length), new CancellationTokenSource(), _time.GetUtcNow());
            _steps.Add(step);
            var backend = _experts(calls[0].Id, calls.Min(call => call.Deadline));
            _model.StepAsync(slices, backend, step.Cancellation.Token, calls[0].Capture)
                .PipeTo(Self, success: result => new StepDone(step, result), failure: error => new StepFailed(step, error));
        }
    }

    private static StepSlice Slice(StepPiece piece) => piece.Encode
        ? new StepSlice(piece.Call.Sequence!, piece.Call.Source.ToArray(), LogitsWanted.None, Encode: true)
        : new StepSlice(
            piece.Call.Sequence!, piece.Call.Tokens.GetRange(piece.Call.Fed, piece.Count).ToArray(), piece.Call.Wanted(piece.Count))
        {
            Generated = piece.Call.IsGenerating,
        };

    private void OnDone(Step step, StepResult result)
    {
        for (var i = 0; i < step.Calls.Count; i++)
        {
            var call = step.Calls[i];
            call.Fed = call.Sequence!.Length;
            call.SourceRead = call.Sequence.SourceLength > 0;
            call.IsDegraded |= result.Degraded[i];
            if (call.IsOver || result.Logits[i].Length == 0)
            {
                continue;
            }

            try
            {
                call.OnLogits(result.Logits[i], _shape.VocabularySize);
            }
            catch (Exception e)
            {
                call.Fail(new RequestFailedException(RequestError.Internal, e.Message, inner: e));
            }
        }

        EndStep(step);
    }

    private void OnFailed(Step step, Exception error)
    {
        var cause = error is AggregateException { InnerException: { } inner } ? inner : error;
        if (!step.Cancellation.IsCancellationRequested)
        {
            var now = _time.GetUtcNow();
            var late = step.Calls.Where(call => call.Deadline <= now).ToArray();
            var failed = cause as RequestFailedException ?? new RequestFailedException(RequestError.Internal, cause.Message, inner: cause);
            if (failed.InnerException is null)
            {
                GatewayLog.StepEnded(_log, step.Calls[0].Id, step.Calls.Count, failed.Error, failed.Message);
            }
            else
            {
                GatewayLog.StepFailed(_log, failed, step.Calls[0].Id, step.Calls.Count);
            }

            IReadOnlyList<GatewayCall> ended = late.Length > 0 ? late : step.Of(failed.Rows);
            foreach (var call in ended)
            {
                call.Fail(failed);
            }
        }

        EndStep(step);
    }

    private void EndStep(Step step)
    {
        step.Cancellation.Dispose();
        _steps.Remove(step);
        _scheduler.EndStep(step.Calls);
        _statistics.Stepped();
        Sweep();
        StartSteps();
    }

    /// <summary>Ends a call now if no step computes with it, else as soon as the step is over.</summary>
    private void End(GatewayCall call, Exception error)
    {
        if (!call.IsOver)
        {
            call.Fail(error);
        }

        Sweep();
        StartSteps();
    }

    private void Sweep()
    {
        foreach (var step in _steps)
        {
            var age = _time.GetUtcNow() - step.Started;
            var over = step.Calls.Count(call => call.IsOver);
            if (over == step.Calls.Count || (over > 0 && age > LongStep))
            {
                step.Cancellation.Cancel();
            }
        }

        foreach (var call in _scheduler.RemoveOver())
        {
            call.Sequence!.Dispose();
        }
    }

    private void OnTick()
    {
        var now = _time.GetUtcNow();
        foreach (var call in _scheduler.Waiting.Where(call => call.Deadline <= now).ToArray())
        {
            call.Fail(new RequestFailedException(
                RequestError.DeadlineExceeded, $"The deadline passed while the request waited behind {_scheduler.Active.Count} active sequences."));
        }

        foreach (var call in _scheduler.Active.Where(call => !call.IsOver && call.Deadline + DeadlineGrace <= now).ToArray())
        {
            call.Fail(new RequestFailedException(
                RequestError.DeadlineExceeded, $"The deadline passed after {call.Fed} of {call.Tokens.Count} tokens were computed."));
        }

        Sweep();
        StartSteps();
    }

    /// <summary>A new request.</summary>
    internal sealed record Submit(GatewayCall Call) : INoSerializationVerificationNeeded;

    /// <summary>The caller no longer waits.</summary>
    internal sealed record GiveUp(GatewayCall Call, CancellationToken Token) : INoSerializationVerificationNeeded;

    private sealed record Step(List<GatewayCall> Calls, int[] Counts, CancellationTokenSource Cancellation, DateTimeOffset Started)
    {
        /// <summary>The calls that some rows are of, or all where no rows are named. The others changed nothing and compute again.</summary>
        public List<GatewayCall> Of(IReadOnlyList<int> rows)
        {
            List<GatewayCall> calls = [];
            for (var (i, first) = (0, 0); i < Calls.Count; first += Counts[i], i++)
            {
                if (rows.Any(row => row >= first && row < first + Counts[i]))
                {
                    calls.Add(Calls[i]);
                }
            }

            return calls.Count > 0 ? calls : Calls;
        }
    }

    private sealed record StepDone(Step Step, StepResult Result) : INoSerializationVerificationNeeded;

    private sealed record StepFailed(Step Step, Exception Error) : INoSerializationVerificationNeeded;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }
}
