using System.Diagnostics;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>Runs lane (over TCP and over a Unix socket), raw socket and Akka.Remote in alternating rounds between two processes.</summary>
internal static class LaneBenchmark
{
    private const int Window = 16;
    private const int SaturatedBytes = 256 * 1024;

    public static LaneBenchmarkResult Run(IReadOnlyList<int> sizes, int rounds, double roundSeconds, Action<string> say, CancellationToken cancellationToken)
    {
        using var server = LaneServer.Start();
        using var raw = new RawSocket(server.RawPort);
        using var lane = new LaneSubject(server.Lane with { HostId = null, Socket = null });
        using var akka = new AkkaRemote(server.AkkaPort);

        // Where there are no Unix sockets it is a second lane over TCP.
        using var local = new LaneSubject(server.Lane);
        ILaneSubject[] subjects = [raw, lane, akka, local];
        var rows = new List<LaneBenchmarkResult.Row>();
        foreach (var bytes in sizes)
        {
            say($"{bytes / 1024} KiB");
            var streams = subjects.Select(s => Calibrate(s, bytes, Window, roundSeconds)).ToArray();
            var pings = subjects.Select(s => Calibrate(s, bytes, 1, roundSeconds / 2)).ToArray();
            var throughput = subjects.Select(_ => new List<double>()).ToArray();
            var latency = subjects.Select(_ => new List<double>()).ToArray();
            for (var round = 0; round < rounds; round++)
            {
                for (var i = 0; i < subjects.Length; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    throughput[i].Add(bytes / 1e6 * streams[i] / Seconds(() => subjects[i].Exchange(bytes, streams[i], Window)));
                    latency[i].Add(1e6 * Seconds(() => subjects[i].Exchange(bytes, pings[i], 1)) / pings[i]);
                }
            }

            rows.Add(new LaneBenchmarkResult.Row(
                bytes, [.. throughput.Select(Median)], [.. latency.Select(Median)],
                Median(throughput[1].Zip(throughput[0], (l, r) => l / r)), Median(latency[1].Zip(latency[0], (l, r) => l / r)),
                Median(throughput[1].Zip(throughput[2], (l, a) => l / a)), Median(throughput[3].Zip(throughput[1], (u, l) => u / l)),
                Median(latency[3].Zip(latency[1], (u, l) => u / l)), Allocated(server, lane, bytes, streams[1])));
        }

        say("heartbeats while the lane is saturated");
        return new LaneBenchmarkResult(rows, rounds, Gap(akka, null, roundSeconds * rounds, cancellationToken), Gap(akka, lane, roundSeconds * rounds, cancellationToken));
    }

    /// <summary>Messages that take about that long; the first ones warm up.</summary>
    private static int Calibrate(ILaneSubject subject, int bytes, int window, double seconds)
    {
        var messages = 2 * window;
        while (true)
        {
            var took = Seconds(() => subject.Exchange(bytes, messages, window));
            if (took >= seconds / 4)
            {
                return Math.Max(window, (int)(messages * seconds / took));
            }

            messages *= 2;
        }
    }

    /// <summary>Bytes that both processes, this benchmark included, allocate for a message on its way; an answer is a message of its own.</summary>
    private static double Allocated(LaneServer server, LaneSubject lane, int bytes, int messages)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true) + server.Ask("allocated");
        lane.Exchange(bytes, messages, Window);
        return (double)(GC.GetTotalAllocatedBytes(precise: true) + server.Ask("allocated") - before) / (2 * messages);
    }

    private static double Gap(AkkaRemote akka, LaneSubject? load, double seconds, CancellationToken cancellationToken)
    {
        akka.StartBeats();
        if (load is null)
        {
            // Idle for as long as the other measurement lasts; a signal ends it.
            cancellationToken.WaitHandle.WaitOne(TimeSpan.FromSeconds(seconds));
        }

        for (var until = Stopwatch.StartNew(); load is not null && until.Elapsed.TotalSeconds < seconds;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            load.Exchange(SaturatedBytes, 64, Window);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return akka.StopBeats();
    }

    private static double Seconds(Action action)
    {
        var started = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
