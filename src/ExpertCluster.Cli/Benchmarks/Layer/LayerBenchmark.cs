using System.Diagnostics;
using ExpertCluster.Client;
using ExpertCluster.Models;
using ExpertCluster.Models.Synthetic;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;
using static ExpertCluster.Cli.Benchmarks.RoundStatistics;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Runs the three variants of <c>bench layer</c> in alternating rounds on the same weights and rows.</summary>
internal static class LayerBenchmark
{
    /// <summary>Rounds of each variant that are thrown away: compilation, caches, connections.</summary>
    public const int WarmUpRounds = 2;

    /// <summary>A round repeats its call until it has taken this long, so that short calls are not lost in the clock.</summary>
    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(100);

    public static async Task<LayerBenchmarkResult> RunAsync(
        LayerBenchmarkSettings settings, bool quiet, bool verbose, CancellationToken cancellationToken)
    {
        LibTorch.Load();
        await using var executor = LayerOnDevice.Open(settings);
        using var checkpoint = TemporaryCheckpoint.Write(new SyntheticCheckpointOptions
        {
            Layers = 1,
            Experts = settings.Experts,
            TopK = settings.TopK,
            Hidden = settings.Hidden,
            Ffn = settings.Ffn,
            Vocab = 16,
            Heads = 1,
            KvHeads = 1,
            Type = settings.IsBFloat16 ? TensorType.BF16 : TensorType.F32,
        });
        using var opened = ModelCheckpoint.Open(checkpoint.Directory);
        await using var dense = await executor.RunAsync(() => opened.LoadDense(executor));
        using var local = settings.IsScripted ? null : await LocalExperts.LoadAsync(opened, executor);
        using var scripted = await LayerOnDevice.LoadAsync(settings, opened, executor);
        await using var cluster = await BenchmarkCluster.StartAsync(settings, checkpoint.Directory, quiet, verbose, cancellationToken);

        var rows = new List<LayerBenchmarkResult.Row>();
        foreach (var tokens in settings.Tokens)
        {
            rows.Add(await MeasureAsync(settings, tokens, executor, dense, local, scripted, cluster, cancellationToken));
        }

        return new LayerBenchmarkResult(settings, rows);
    }

    private static async Task<LayerBenchmarkResult.Row> MeasureAsync(
        LayerBenchmarkSettings settings, int tokens, DeviceExecutor executor, SequenceModel dense, LocalExperts? local, LayerOnDevice? scripted,
        BenchmarkCluster cluster,
        CancellationToken cancellationToken)
    {
        var random = new Random(tokens);
        var input = new float[tokens * settings.Hidden];
        for (var i = 0; i < input.Length; i++)
        {
            input[i] = (float)((random.NextDouble() * 2) - 1);
        }

        var hidden = new FloatMatrix(tokens, settings.Hidden, input);
        var output = new float[input.Length];
        var routing = await dense.RouteAsync(0, input, tokens);
        using var bare = scripted is null ? await executor.RunAsync(() => new BareProducts(settings, routing, executor)) : null;
        using var onDevice = scripted is null ? null : await scripted.PrepareAsync(input, tokens, routing, settings.Experts);

        async Task Direct()
        {
            var routed = await dense.RouteAsync(0, input, tokens);
            await local!.ApplyAsync(0, new RoutedRows(tokens, settings.Hidden, input, routed), output, cancellationToken);
        }

        FloatMatrix? answer = null;
        var breakdown = new LayerBreakdown();
        var options = breakdown.Options;
        Task Cluster() => breakdown.MeasureAsync(
            async () => answer = await cluster.Client.ForwardLayerAsync(cluster.Model, 0, hidden, options, cancellationToken));
        Task Bare() => executor.RunAsync(bare!.Run);

        Func<Task>[] variants = onDevice is null ? [Direct, Cluster, Bare] : [onDevice.DirectAsync, Cluster, onDevice.BareAsync];
        int[] calls = [onDevice?.Calls ?? 1, 1, onDevice?.Calls ?? 1];
        var times = variants.Select(_ => new List<double>()).ToArray();
        for (var round = -WarmUpRounds; round < settings.Rounds; round++)
        {
            if (round == 0)
            {
                breakdown.Reset();
            }

            for (var i = 0; i < variants.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var milliseconds = await RoundAsync(variants[i]) / calls[i];
                if (round >= 0)
                {
                    times[i].Add(milliseconds);
                }
            }
        }

        await (onDevice?.CopyToAsync(output) ?? Task.CompletedTask);
        return new LayerBenchmarkResult.Row(
            tokens, Median(times[0]), Median(times[1]), Median(times[2]), Median(Ratios(times[0], times[2])), Median(Ratios(times[0], times[1])),
            LargestDifference(output, answer!.Values.Span), breakdown.Medians())
        {
            FloorMs = settings.IsCuda ? LayerFloor.Milliseconds(settings, tokens, onDevice!.UsedExperts) : null,
        };
    }

    private static async Task<double> RoundAsync(Func<Task> call)
    {
        var calls = 0;
        var started = Stopwatch.GetTimestamp();
        do
        {
            await call();
            calls++;
        }
        while (Stopwatch.GetElapsedTime(started) < RoundTime);

        return Stopwatch.GetElapsedTime(started).TotalMilliseconds / calls;
    }

    private static double LargestDifference(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double difference = 0, largest = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs((double)expected[i] - actual[i]));
            largest = Math.Max(largest, Math.Abs(expected[i]));
        }

        return largest == 0 ? difference : difference / largest;
    }

    /// <summary>Nothing but the products of the layer: two for each expert that has rows, on matrices made beforehand.</summary>
    private sealed class BareProducts : IDisposable
    {
        private readonly DeviceExecutor _executor;
        private readonly List<(torch.Tensor Rows, torch.Tensor Inner, torch.Tensor Up, torch.Tensor Down)> _products = [];

        /// <summary>Call on the executor.</summary>
        public BareProducts(LayerBenchmarkSettings settings, RoutingDecision routing, DeviceExecutor executor)
        {
            _executor = executor;
            var device = executor.TorchDevice;
            var groups = ExpertGroups.Build(routing, settings.Experts);
            for (var expert = 0; expert < settings.Experts; expert++)
            {
                var rows = groups.Count(expert);
                if (rows > 0)
                {
                    _products.Add((
                        torch.randn(rows, settings.Hidden, device: device).DetachFromDisposeScope(),
                        torch.randn(rows, settings.Ffn, device: device).DetachFromDisposeScope(),
                        torch.randn(2 * settings.Ffn, settings.Hidden, device: device).DetachFromDisposeScope(),
                        torch.randn(settings.Hidden, settings.Ffn, device: device).DetachFromDisposeScope()));
                }
            }
        }

        public void Run()
        {
            foreach (var (rows, inner, up, down) in _products)
            {
                torch.nn.functional.linear(rows, up).Dispose();
                torch.nn.functional.linear(inner, down).Dispose();
            }
        }

        public void Dispose() => _executor.Free(() => _products.ForEach(p =>
        {
            p.Rows.Dispose();
            p.Inner.Dispose();
            p.Up.Dispose();
            p.Down.Dispose();
        }));
    }
}
