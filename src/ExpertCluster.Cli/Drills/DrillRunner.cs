using System.Globalization;
using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Drills.Prompts;
using ExpertCluster.Cli.Drills.Report;
using ExpertCluster.Cli.Drills.Scenarios;
using ExpertCluster.Cli.Drills.Traffic;
using ExpertCluster.Cli.Drills.View;
using ExpertCluster.Client;

namespace ExpertCluster.Cli.Drills;

/// <summary>Runs one scenario: a cluster of processes, a warm-up, then steady traffic through a control phase, the fault, and what follows.</summary>
internal static class DrillRunner
{
    private const string Warming = "warm-up";

    private static readonly TimeSpan FirstWarmUp = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <summary>A phase that has not its answers by then ends without them, and its check fails.</summary>
    private const double LongestSeconds = 600;

    /// <summary>Runs it.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="scenario">What is done to the cluster.</param>
    /// <param name="directory">The checkpoint.</param>
    /// <param name="asked">Limits in place of the scenario's own.</param>
    /// <param name="say">Told what goes on.</param>
    /// <param name="cancellationToken">Ends it, and every process it started.</param>
    public static async Task<DrillResult> RunAsync(
        DrillSettings settings, IDrillScenario scenario, string directory, DrillLimits asked, Action<string> say, CancellationToken cancellationToken)
    {
        say($"{scenario.Name}: {scenario.Summary}");
        var clock = new DrillClock();
        var prompts = await DrillPrompts.MakeAsync(directory, settings.Tokens, settings.Seed, scenario.Name == "drift", cancellationToken);
        say($"{prompts.Steady.Count + prompts.Turned.Count} of {prompts.Tried} prompts have clear answers");

        using var cluster = new DrillCluster(scenario.Shape(settings), settings, directory, clock);
        cluster.Start();
        var endpoints = cluster.Gateways.Select(g => g.GatewayEndpoint!).ToArray();

        // Traffic goes to the first gateway until that fails; who watches looks at the last.
        await using var client = await ConnectAsync(cluster, [endpoints[0]], TimeSpan.FromSeconds(60), cancellationToken);
        await using var watching = await ConnectAsync(cluster, [endpoints[^1]], TimeSpan.FromSeconds(5), cancellationToken);
        var model = (await client.ListModelsAsync(cancellationToken)).Single();
        await using var watch = new ClusterWatch(new ClientClusterView(watching, model, clock, () => cluster.Placement.Current), clock);
        await cluster.OrFallenAsync(watch.CoveredAsync(
            settings.Copies, cluster.Experts.Take(cluster.Initial).Select(n => n.Address), DrillStage.Patience, cancellationToken));

        var log = new TrafficLog();
        var traffic = new TrafficSource(client, model.Name, clock, log, settings.Tokens);
        traffic.Use(prompts.Steady);
        say(Warming);
        await cluster.OrFallenAsync(traffic.SaturateAsync(settings.Clients, FirstWarmUp, cancellationToken));
        var saturating = traffic.SaturateAsync(settings.Clients, Measured, cancellationToken);
        await cluster.OrFallenAsync(saturating);
        var saturated = await saturating;
        if (saturated <= 0)
        {
            throw new InvalidOperationException(
                $"No right answer in the warm-up: {log.Answers(0, clock.Now).Select(a => a.Error).FirstOrDefault(e => e is not null) ?? "none came"}");
        }

        var stage = new DrillStage(settings, prompts, cluster, watch, traffic, clock, say);
        var offered = settings.LoadShare * saturated;
        say(string.Create(CultureInfo.InvariantCulture, $"{saturated:0.0} answers/s at most; {offered:0.0}/s are offered"));
        using var stop = new CancellationTokenSource();
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var offering = traffic.OfferAsync(offered, stop.Token, giveUp.Token);
        PhaseSpan[] spans;
        IReadOnlyList<NodeFigures> before;
        try
        {
            await Task.Delay(Settling, cancellationToken);
            await QuietAsync(scenario, stage, cancellationToken);
            before = NodeFigures.Of(cluster.All);
            spans = await PhasesAsync(scenario, stage, log, giveUp.Token);
        }
        catch
        {
            await giveUp.CancelAsync();
            await offering.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw;
        }

        await stop.CancelAsync();
        await offering;
        return new DrillResult(
            settings, scenario, scenario.Limits(settings).With(asked), stage, spans, log, saturated, offered,
            NodeFigures.Growth(before, NodeFigures.Of(cluster.All)));
    }

    private static async Task<ExpertClusterClient> ConnectAsync(
        DrillCluster cluster, string[] endpoints, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var options = new ExpertClusterClientOptions { ConnectTimeout = DrillStage.Patience, RequestDeadline = deadline };
        var connecting = ExpertClusterClient.ConnectAsync(endpoints, options, cancellationToken);
        await cluster.OrFallenAsync(connecting);
        return await connecting;
    }

    private static async Task QuietAsync(IDrillScenario scenario, DrillStage stage, CancellationToken cancellationToken)
    {
        var (from, moves, quiet) = (stage.Clock.Now, stage.Cluster.Moves, scenario.Quiet.TotalSeconds);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while (quiet > 0 && (stage.Clock.Now - from < quiet || moves.Moves(stage.Clock.Now - quiet, stage.Clock.Now) > 0)
            && stage.Clock.Now - from < DrillStage.Patience.TotalSeconds)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    private static async Task<PhaseSpan[]> PhasesAsync(
        IDrillScenario scenario, DrillStage stage, TrafficLog log, CancellationToken cancellationToken)
    {
        var control = await PhaseAsync("control", stage, log, null, cancellationToken);
        stage.PhaseSeconds = control.Seconds;
        var during = await PhaseAsync("during", stage, log, () => scenario.RunAsync(stage, cancellationToken), cancellationToken);
        return [control, during, await PhaseAsync("after", stage, log, null, cancellationToken)];
    }

    /// <summary>As long as asked for, as the control phase was, as its answers take, and as what happens in it takes.</summary>
    private static async Task<PhaseSpan> PhaseAsync(
        string name, DrillStage stage, TrafficLog log, Func<Task>? act, CancellationToken cancellationToken)
    {
        stage.Note($"phase {name}");
        var (from, least) = (stage.Clock.Now, Math.Max(stage.Settings.Seconds, stage.PhaseSeconds));
        var acting = act?.Invoke() ?? Task.CompletedTask;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var now = stage.Clock.Now;
            if (acting.IsFaulted)
            {
                await acting;
            }

            var enough = now - from >= least && log.Verified(from, now) >= stage.Settings.Answers;
            if (acting.IsCompleted && (enough || now - from >= Math.Max(least, LongestSeconds)))
            {
                break;
            }
        }

        return new PhaseSpan(name, from, stage.Clock.Now);
    }
}
