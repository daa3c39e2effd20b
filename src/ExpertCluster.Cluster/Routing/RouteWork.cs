using Akka.Actor;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Routing;

/// <summary>
/// Rows of one layer on their way to experts and back. The router writes the experts' answers to <see cref="Slots"/> and completes the work
/// with the last one.
/// </summary>
internal sealed class RouteWork : INoSerializationVerificationNeeded
{
    /// <summary>With up to so many values whoever waits goes on on the thread that brought the last answer: waking another takes longer than
    /// summing them, and more would keep that thread from reading on.</summary>
    private const int SmallAnswer = 16 * 1024;

    private readonly TaskCompletionSource _completion;
    private bool[]? _lost;

    public RouteWork(RoutedRows rows, string requestId, DateTimeOffset deadline)
    {
        Rows = rows;
        RequestId = requestId;
        Deadline = deadline;
        Remaining = rows.Routing.Experts.Length;
        Slots = RowBuffer.Rent(Remaining, rows.HiddenSize);
        _completion = new(Slots.Memory.Length <= SmallAnswer
            ? TaskCreationOptions.None
            : TaskCreationOptions.RunContinuationsAsynchronously);
        if (Remaining == 0)
        {
            _completion.SetResult();
        }
    }

    public RoutedRows Rows { get; }

    public string RequestId { get; }

    public DateTimeOffset Deadline { get; }

    /// <summary>When the router took it.</summary>
    public DateTimeOffset Accepted { get; set; }

    /// <summary>Answers of the experts, float32 <c>[T·k, H]</c>: slot t·k + j holds the j-th choice of token t. Sums are taken in that order,
    /// whichever replica answered first.</summary>
    public RowBuffer Slots { get; }

    /// <summary>Slots without an answer; touched by the router alone.</summary>
    public int Remaining { get; private set; }

    /// <summary>Which slots are left out, <c>[T·k]</c>; empty where none is. To be read once the work is complete.</summary>
    public ReadOnlySpan<bool> Lost => _lost;

    /// <summary>What the answers so far took; its total is the caller's to measure.</summary>
    public DispatchTiming Timing { get; private set; }

    public Task Completion => _completion.Task;

    /// <summary>Answered, failed or given up.</summary>
    public bool IsOver => _completion.Task.IsCompleted;

    /// <summary>Puts an expert's answers where they belong, unless nobody waits for them any more.</summary>
    /// <param name="slots">The slots they belong to, in the order of the rows.</param>
    /// <param name="rows">Answers, float32 or bfloat16.</param>
    /// <param name="first">The first value of them.</param>
    public void Take(ReadOnlySpan<int> slots, RowBuffer rows, int first)
    {
        if (IsOver)
        {
            return;
        }

        var hidden = Rows.HiddenSize;
        var target = Slots.Memory.Span;
        foreach (var slot in slots)
        {
            RowTransfer.Take(rows, first, target.Slice(slot * hidden, hidden));
            first += hidden;
        }

        Remaining -= slots.Length;
        if (Remaining == 0)
        {
            _completion.TrySetResult();
        }
    }

    /// <summary>Answers without some slots, unless nobody waits any more. Theirs are zeros.</summary>
    /// <returns>Tokens that have no expert left: the work is not complete, and has to fail.</returns>
    public IReadOnlyList<int> LeaveOut(IEnumerable<Segment> segments)
    {
        if (IsOver)
        {
            return [];
        }

        var routing = Rows.Routing;
        _lost ??= new bool[routing.Slots];
        SortedSet<int> bare = [];
        foreach (var segment in segments)
        {
            foreach (var slot in segment.Slots.Span)
            {
                _lost[slot] = true;
                Slots.Memory.Span.Slice(slot * Rows.HiddenSize, Rows.HiddenSize).Clear();
                if (!routing.CanLose(slot / routing.TopK, _lost))
                {
                    bare.Add(slot / routing.TopK);
                }
            }

            Remaining -= segment.Slots.Length;
        }

        if (Remaining == 0 && bare.Count == 0)
        {
            _completion.TrySetResult();
        }

        return [.. bare];
    }

    /// <summary>Notes what a frame took; before its answers are taken.</summary>
    public void Observe(TimeSpan roundTrip, TimeSpan queue, TimeSpan compute) => Timing = new DispatchTiming(
        TimeSpan.Zero, roundTrip, queue, compute, compute > Timing.LongestCompute ? compute : Timing.LongestCompute);

    /// <summary>Ends it with an error.</summary>
    /// <param name="error">What kind.</param>
    /// <param name="message">For whoever reads it.</param>
    /// <param name="rows">The rows it is of; all of them where none is given.</param>
    public void Fail(RequestError error, string message, params IReadOnlyList<int> rows) =>
        _completion.TrySetException(new RequestFailedException(error, message) { Rows = rows });

    public void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
