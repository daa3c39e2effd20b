using Akka.Actor;
using Akka.TestKit.Xunit;
using CsCheck;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using static ExpertCluster.Cluster.Tests.Routing.RouterHarness;

namespace ExpertCluster.Cluster.Tests.Routing;

public sealed class RouterOrderSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private sealed record Case(int Experts, int[] Copies, int[][] Works, int TopK, int Credits, int FrameRows, bool Refusals, int Seed);

    private static readonly Gen<Case> Cases =
        from experts in Gen.Int[1, 6]
        from copies in Gen.Int[1, 3].Array[experts]
        from topK in Gen.Int[1, Math.Min(3, experts)]
        from works in Gen.Int[0, experts - 1].Array[0, 24].Array[1, 5]
        from credits in Gen.Int[1, 30]
        from frame in Gen.Int[1, 12]
        from refusals in Gen.Bool
        from seed in Gen.Int
        select new Case(experts, copies, [.. works.Select(w => w[..(w.Length / topK * topK)])], topK, credits, frame, refusals, seed);

    [Fact]
    public async Task Answers_end_up_in_their_slots_whatever_order_they_come_in() =>
        await Cases.SampleAsync(RunAsync, iter: 150, threads: 1);

    private async Task RunAsync(Case c)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var random = new Random(c.Seed);
        var harness = new RouterHarness(
            Sys, c.Experts,
            new RouterOptions { InitialCredits = c.Credits, MaxFrameRows = c.FrameRows, RetryBackoff = TimeSpan.FromMilliseconds(1), MaxFailures = 100 });
        var flight = new Flight(c.Credits, c.FrameRows);
        harness.Lane.Sent = flight.Send;
        harness.Publish([.. c.Copies.SelectMany((copies, e) => Enumerable.Range(0, copies).Select(n => Ready(e, n, n)))]);
        var works = c.Works.Select(w => harness.Send(c.TopK, w)).ToArray();
        var all = Task.WhenAll(works.Select(w => w.Completion));
        var waiting = new List<LaneCall>();
        while (!all.IsCompleted)
        {
            if (waiting.Count == 0)
            {
                await Task.WhenAny(all, harness.Lane.WaitAsync(timeout.Token));
                timeout.Token.ThrowIfCancellationRequested();
            }

            while (harness.Lane.TryNext() is { } call)
            {
                waiting.Add(call);
            }

            if (waiting.Count > 0)
            {
                var index = random.Next(waiting.Count);
                Answer(waiting[index], flight, c, random);
                waiting.RemoveAt(index);
            }
        }

        await all;
        Assert.All(works, work => Assert.True(IsRight(work)));
        Assert.Empty(flight.Broken);
        await harness.Router.GracefulStop(TimeSpan.FromSeconds(20));
    }

    private static void Answer(LaneCall call, Flight flight, Case c, Random random)
    {
        flight.Land(call);
        if (c.Refusals && random.Next(8) == 0)
        {
            call.Lose();
            return;
        }

        // Credits below what was granted are allowed at any time; more than the initial ones would need a second book.
        call.Answer(_ => new SegmentResult(
            c.Refusals && random.Next(4) == 0 ? (SegmentStatus)random.Next(1, 5) : SegmentStatus.Done, random.Next(c.Credits + 1), "why not"));
    }

    /// <summary>Keeps the books of what is under way, and of every rule that was broken.</summary>
    private sealed class Flight(int credits, int frameRows)
    {
        private readonly Dictionary<ReplicaId, int> _rows = [];

        public List<string> Broken { get; } = [];

        public void Send(LaneCall call)
        {
            lock (_rows)
            {
                Check(call.Rows <= frameRows, $"{call.Rows} rows in a frame");
                Check(call.Segments.Select(s => s.Replica).Distinct().Count() == call.Segments.Count, "two segments for one replica");
                foreach (var (replica, rows) in call.Segments)
                {
                    _rows[replica] = _rows.GetValueOrDefault(replica) + rows;
                    Check(_rows[replica] <= credits, $"{_rows[replica]} rows for {replica}");
                    Check(At(replica.Number) == call.Node, $"{replica} at {call.Node}");
                }
            }
        }

        public void Land(LaneCall call)
        {
            lock (_rows)
            {
                foreach (var (replica, rows) in call.Segments)
                {
                    _rows[replica] -= rows;
                }
            }
        }

        private void Check(bool rule, string what)
        {
            if (!rule)
            {
                Broken.Add(what);
            }
        }
    }
}
