using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Forms steps from all active sequences of one model: one token of each that generates, and pieces of prompts up to a budget. Sequences
/// join and leave between steps.
/// </summary>
internal sealed class GatewayActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>A step that waits longer than this is given up when one of its sequences is over, and formed again without it.</summary>
    private static readonly TimeSpan LongStep = TimeSpan.FromSeconds(1);

    /// <summary>Routers notice a deadline themselves and know better what was missing; the gateway's own word comes after theirs.</summary>
    private static readonly TimeSpan DeadlineGrace = TimeSpan.FromMilliseconds(500);

    private readonly GatewayOptions _options;
    private readonly SequenceModel _model;
    private readonly ModelShape _shape;
    private readonly ClusterExperts _experts;
    private readonly GatewayStatistics _statistics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LinkedList<GatewayCall> _waiting = [];
    private readonly List<GatewayCall> _active = [];
    private Step? _step;
    private long _reserved;

    public GatewayActor(
        GatewayOptions options, SequenceModel model, ModelShape shape, ClusterExperts experts, GatewayStatistics statistics, TimeProvider time,
        ILogger log)
    {
        _statistics = statistics;
        _options = options;
        _model = model;
        _shape = shape;
        _experts = experts;
        _time = time;
        _log = log;

        Receive<Submit>(submit => Accept(submit.Call));
        Receive<GiveUp>(giveUp => End(giveUp.Call, new OperationCanceledException(giveUp.Token)));
        Receive<StepDone>(done => OnDone(done.Result));
        Receive<Status.Failure>(failure => OnFailed(failure.Cause));
        Receive<Tick>(_ => OnTick());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TickInterval);

    protected override void PostStop()
    {
        _statistics.Close();
        _step?.Cancellation.Cancel();
        var error = new RequestFailedException(RequestError.GatewayUnavailable, "This gateway is shutting down.");
        foreach (var call in _waiting.Concat(_active))
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

        var place = _waiting.AddLast(call);
        Admit();
        if (place.List is not null && _waiting.Count > _options.MaxQueued)
        {
            _waiting.Remove(place);
            call.Fail(new RequestFailedException(
                RequestError.QueueFull,
                $"{_active.Count} sequences are active and {_waiting.Count} wait (ExpertCluster:Gateway:MaxActive, MaxQueued, KvCacheBytes).",
                TimeSpan.FromSeconds(1)));
            return;
        }

        StartStep();
    }

    private void StartStep()
    {
        Admit();
        _statistics.Set(_active.Count, _waiting.Count, _reserved);
        if (_step is not null)
        {
            return;
        }

        var (slices, calls) = FormStep();
        if (calls.Count == 0)
        {
            return;
        }

        var cancellation = new CancellationTokenSource();
        var deadline = calls.Min(call => call.Deadline);
        _step = new Step(calls, cancellation, _time.GetUtcNow());
        var backend = _experts.For(calls[0].Id, deadline);
        _model.StepAsync(slices, backend, cancellation.Token, calls[0].Capture).PipeTo(Self, success: result => new StepDone(result));
    }

    private void Admit()
    {
        while (_waiting.First is { } first && _active.Count < _options.MaxActive)
        {
            var bytes = _model.KvBytes(first.Value.LongestLength, first.Value.Source.Count);
            if (_reserved + bytes > _options.KvCacheBytes)
            {
                return;
            }

            _waiting.RemoveFirst();
            _reserved += bytes;
            first.Value.ReservedBytes = bytes;
            first.Value.Sequence = _model.NewSequence();
            _active.Add(first.Value);
        }
    }

    private (List<StepSlice> Slices, List<GatewayCall> Calls) FormStep()
    {
        var slices = new List<StepSlice>();
        var calls = new List<GatewayCall>();

        // What is captured must be one sequence's alone.
        var candidates = _active.FirstOrDefault(call => call.Capture is not null) is { } captured ? [captured] : _active;
        var budget = _options.PrefillTokens;
        foreach (var call in candidates.Where(call => call.AwaitsEncoder))
        {
            // An encoder looks both ways, so it reads a source whole.
            if (calls.Count > 0 && call.Source.Count > budget)
            {
                break;
            }

            budget -= call.Source.Count;
            slices.Add(new StepSlice(call.Sequence!, call.Source.ToArray(), LogitsWanted.None, Encode: true));
            calls.Add(call);
        }

        if (calls.Count > 0)
        {
            return (slices, calls);
        }

        foreach (var call in candidates)
        {
            var left = call.Tokens.Count - call.Fed;
            var piece = Math.Min(left, call.MaxPiece);
            if (piece > 1)
            {
                piece = call.Capture is null ? Math.Min(piece, budget) : piece;
                budget -= piece;
            }

            if (piece > 0)
            {
                slices.Add(new StepSlice(call.Sequence!, call.Tokens.GetRange(call.Fed, piece).ToArray(), call.Wanted(piece)));
                calls.Add(call);
            }
        }

        return (slices, calls);
    }

    private void OnDone(StepResult result)
    {
        var step = _step!;
        for (var i = 0; i < step.Calls.Count; i++)
        {
            var call = step.Calls[i];
            call.Fed = call.Sequence!.Length;
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

        EndStep();
    }

    private void OnFailed(Exception error)
    {
        if (_step is not { } step)
        {
            return;
        }

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

            foreach (var call in late.Length > 0 ? late : [.. step.Calls])
            {
                call.Fail(failed);
            }
        }

        EndStep();
    }

    private void EndStep()
    {
        _step!.Cancellation.Dispose();
        _step = null;
        _statistics.Stepped();
        Sweep();
        StartStep();
    }

    /// <summary>Ends a call now if no step computes with it, else as soon as the step is over.</summary>
    private void End(GatewayCall call, Exception error)
    {
        if (!call.IsOver)
        {
            call.Fail(error);
        }

        Sweep();
        StartStep();
    }

    private void Sweep()
    {
        for (var node = _waiting.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.IsOver)
            {
                _waiting.Remove(node);
            }

            node = next;
        }

        if (_step is { } step)
        {
            var age = _time.GetUtcNow() - step.Started;
            var over = step.Calls.Count(call => call.IsOver);
            if (over == step.Calls.Count || (over > 0 && age > LongStep))
            {
                step.Cancellation.Cancel();
            }

            return;
        }

        for (var i = _active.Count - 1; i >= 0; i--)
        {
            var call = _active[i];
            if (call.IsOver)
            {
                _active.RemoveAt(i);
                _reserved -= call.ReservedBytes;
                call.Sequence!.Dispose();
            }
        }
    }

    private void OnTick()
    {
        var now = _time.GetUtcNow();
        foreach (var call in _waiting.Where(call => call.Deadline <= now).ToArray())
        {
            call.Fail(new RequestFailedException(
                RequestError.DeadlineExceeded, $"The deadline passed while the request waited behind {_active.Count} active sequences."));
        }

        foreach (var call in _active.Where(call => !call.IsOver && call.Deadline + DeadlineGrace <= now).ToArray())
        {
            call.Fail(new RequestFailedException(
                RequestError.DeadlineExceeded, $"The deadline passed after {call.Fed} of {call.Tokens.Count} tokens were computed."));
        }

        Sweep();
        StartStep();
    }

    /// <summary>A new request.</summary>
    internal sealed record Submit(GatewayCall Call) : INoSerializationVerificationNeeded;

    /// <summary>The caller no longer waits.</summary>
    internal sealed record GiveUp(GatewayCall Call, CancellationToken Token) : INoSerializationVerificationNeeded;

    private sealed record Step(List<GatewayCall> Calls, CancellationTokenSource Cancellation, DateTimeOffset Started);

    private sealed record StepDone(StepResult Result) : INoSerializationVerificationNeeded;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }
}
