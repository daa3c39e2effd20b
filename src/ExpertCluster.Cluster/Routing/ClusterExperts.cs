using Akka.Actor;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Moe;

namespace ExpertCluster.Cluster.Routing;

/// <summary>The experts of one model, wherever they live: one router a layer.</summary>
public sealed class ClusterExperts
{
    /// <summary>How long after the deadline the router's own word is waited for.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly IReadOnlyDictionary<int, (IActorRef Router, RouterStatistics Statistics)> _layers;

    private readonly TimeProvider _time;

    internal ClusterExperts(IReadOnlyDictionary<int, (IActorRef Router, RouterStatistics Statistics)> layers, TimeProvider time)
    {
        _layers = layers;
        _time = time;
    }

    /// <summary>Counters of a layer's router.</summary>
    public RouterStatistics Statistics(int layer) => _layers[layer].Statistics;

    /// <summary>The experts as a model sees them, for calls that share a deadline.</summary>
    public IExpertBackend For(string requestId, DateTimeOffset deadline) => new Call(this, requestId, deadline, _time);

    /// <summary>Applies one layer's experts and tells where the time went.</summary>
    internal Task<(DispatchTiming Dispatch, TimeSpan Combine)> ApplyTimedAsync(
        string requestId, DateTimeOffset deadline, int layer, RoutedRows rows, Memory<float> output, CancellationToken cancellationToken) =>
        new Call(this, requestId, deadline, _time).ApplyTimedAsync(layer, rows, output, cancellationToken);

    private sealed class Call(ClusterExperts experts, string requestId, DateTimeOffset deadline, TimeProvider time) : IExpertBackend
    {
        public Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct) => ApplyTimedAsync(layer, rows, output, ct);

        public async Task<(DispatchTiming Dispatch, TimeSpan Combine)> ApplyTimedAsync(
            int layer, RoutedRows rows, Memory<float> output, CancellationToken ct)
        {
            var started = time.GetTimestamp();
            var work = new RouteWork(rows, requestId, deadline);
            await using var registration = ct.UnsafeRegister(static (state, token) => ((RouteWork)state!).Cancel(token), work);
            experts._layers[layer].Router.Tell(work);

            // The slots go back to their pool on success only: after a failure the router may still write to them.
            try
            {
                var patience = deadline - time.GetUtcNow() + Grace;
                await work.Completion.WaitAsync(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The router notices deadlines itself; one that does not has stopped.
                throw new RequestFailedException(RequestError.DeadlineExceeded, $"Nobody answered for layer {layer} before the deadline.");
            }

            var answered = time.GetTimestamp();
            var routing = work.Lost.IsEmpty ? rows.Routing : rows.Routing.Without(work.Lost);
            ExpertCombine.WeightedSum(work.Slots.Memory.Span, routing, rows.HiddenSize, output.Span);
            Mark(layer, rows, work.Lost);
            work.Slots.Dispose();
            return (work.Timing with { Total = time.GetElapsedTime(started, answered) }, time.GetElapsedTime(answered));
        }

        /// <summary>Says which rows were answered without some of their experts, and counts them.</summary>
        private void Mark(int layer, RoutedRows rows, ReadOnlySpan<bool> lost)
        {
            if (lost.IsEmpty)
            {
                return;
            }

            var (topK, count) = (rows.Routing.TopK, 0);
            for (var row = 0; row < rows.Tokens; row++)
            {
                if (lost.Slice(row * topK, topK).Contains(true))
                {
                    count++;
                    if (!rows.Degraded.IsEmpty)
                    {
                        rows.Degraded.Span[row] = true;
                    }
                }
            }

            experts._layers[layer].Statistics.Degrade(count);
        }
    }
}
