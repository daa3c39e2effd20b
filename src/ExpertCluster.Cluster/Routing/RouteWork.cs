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

    /// <summary>Notes what a frame took; before its answers are taken.</summary>
    public void Observe(TimeSpan roundTrip, TimeSpan queue, TimeSpan compute) => Timing = new DispatchTiming(
        TimeSpan.Zero, roundTrip, queue, compute, compute > Timing.LongestCompute ? compute : Timing.LongestCompute);

    public void Fail(RequestError error, string message) => _completion.TrySetException(new RequestFailedException(error, message));

    public void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
