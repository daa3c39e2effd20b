using System.Globalization;
using System.Text.Json;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>
/// Saturates real lanes between four processes – a server, two honest peers, and one with all the bad ones – and then asks each what became
/// of it.
/// </summary>
internal static class ChaosRun
{
    private const int HonestPeers = 2;

    public static ChaosResult Run(int seconds, int seed, Action<string> say, CancellationToken cancellationToken)
    {
        var children = new List<ChildProcess>();
        try
        {
            var server = Start(ChaosChild.Server, 0, 0);
            var port = Number(server.Read());
            var bad = Start(ChaosChild.Bad, 0, port);
            server.Ask($"dial {bad.Read()}");

            // The last honest peer comes through the server's Unix socket, where there is one.
            var socket = server.Ask("socket");
            ChildProcess[] honest = [.. Enumerable.Range(1, HonestPeers).Select(i => Start(ChaosChild.Honest, i, port, i == HonestPeers ? socket : ""))];
            Array.ForEach(honest, peer => peer.Read());

            // Pools and code are as large as they get after the first minute.
            var warmUp = Math.Min(60, seconds / 4.0);
            say($"seed {seed}, {seconds} s of chaos");
            Wait(warmUp);
            children.ForEach(child => child.Ask("mark"));
            Wait(seconds - warmUp);

            Array.ForEach(honest, peer => peer.Ask("quiet"));
            server.Ask("quiet");
            bad.Ask("quiet");
            say("what is left");

            // The server last: it must have noticed that all others are gone.
            ChaosReport[] reports = [.. honest.Append(bad).Append(server).Select(child => JsonSerializer.Deserialize<ChaosReport>(child.Ask("report"))!)];
            return new ChaosResult(seconds, seed, reports);
        }
        finally
        {
            children.ForEach(child => child.Dispose());
        }

        ChildProcess Start(string kind, int number, int port, string socket = "")
        {
            var child = ChildProcess.Start(
                "bench", "lane", ChaosChild.RoleOption, string.Create(CultureInfo.InvariantCulture, $"{kind},{number},{port},{seed},{socket}"));
            children.Add(child);
            return child;
        }

        void Wait(double forSeconds)
        {
            // A signal ends it.
            cancellationToken.WaitHandle.WaitOne(TimeSpan.FromSeconds(forSeconds));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
