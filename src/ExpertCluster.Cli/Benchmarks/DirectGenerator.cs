using System.Diagnostics;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Models;
using ExpertCluster.Models.Generation;
using ExpertCluster.Tensors;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>
/// The twin without a cluster: the whole model in this process on one executor, every active sequence in every step, prompts in pieces of
/// the same budget as a gateway's. No actors, no router, no text.
/// </summary>
internal sealed class DirectGenerator : IGenerator
{
    private static readonly SamplingOptions Greedy = new();
    private static readonly int PrefillTokens = new GatewayOptions().PrefillTokens;

    private readonly ModelCheckpoint _checkpoint;
    private readonly DeviceExecutor _executor;
    private readonly SequenceModel _model;
    private readonly LocalExperts _experts;

    private DirectGenerator(ModelCheckpoint checkpoint, DeviceExecutor executor, SequenceModel model, LocalExperts experts)
    {
        _checkpoint = checkpoint;
        _executor = executor;
        _model = model;
        _experts = experts;
    }

    /// <summary>Loads all of the model.</summary>
    public static async Task<DirectGenerator> LoadAsync(string directory, int threads)
    {
        LibTorch.Load();
        var checkpoint = ModelCheckpoint.Open(directory);
        var executor = new DeviceExecutor("cpu", threads);
        SequenceModel? model = null;
        try
        {
            model = await executor.RunAsync(() => checkpoint.LoadDense(executor));
            return new DirectGenerator(checkpoint, executor, model, await LocalExperts.LoadAsync(checkpoint, executor));
        }
        catch
        {
            model?.Dispose();
            await executor.DisposeAsync();
            checkpoint.Dispose();
            throw;
        }
    }

    public async Task<IReadOnlyList<TimedAnswer>> GenerateAsync(
        IReadOnlyList<IReadOnlyList<int>> prompts, int maxTokens, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var all = prompts.Select(prompt => new Running(_model.NewSequence(), prompt.ToArray(), new TimedAnswer(started))).ToArray();
        try
        {
            List<Running> active = [.. all];
            while (active.Count > 0)
            {
                await StepAsync(active, cancellationToken).ConfigureAwait(false);
                active.RemoveAll(running => running.Answer.Tokens.Count >= maxTokens
                    || (running.Answer.Tokens.Count > 0 && _model.Shape.EndTokens.Contains(running.Answer.Tokens[^1])));
            }

            return [.. all.Select(running => running.Answer)];
        }
        finally
        {
            Array.ForEach(all, running => running.Sequence.Dispose());
        }
    }

    public async ValueTask DisposeAsync()
    {
        _experts.Dispose();
        await _model.DisposeAsync();
        await _executor.DisposeAsync();
        _checkpoint.Dispose();
    }

    private async Task StepAsync(List<Running> active, CancellationToken cancellationToken)
    {
        var budget = PrefillTokens;
        var stepping = new List<Running>(active.Count);
        var slices = new List<StepSlice>(active.Count);
        foreach (var running in active)
        {
            var piece = running.Unfed;
            if (piece.Length > 1)
            {
                piece = piece[..Math.Min(piece.Length, budget)];
                budget -= piece.Length;
            }

            if (piece.Length > 0)
            {
                stepping.Add(running);
                slices.Add(new StepSlice(
                    running.Sequence, piece, piece.Length == running.Unfed.Length ? LogitsWanted.Last : LogitsWanted.None));
            }
        }

        var result = await _model.StepAsync(slices, _experts, cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < stepping.Count; i++)
        {
            var running = stepping[i];
            running.Unfed = running.Unfed[slices[i].Tokens.Length..];
            if (result.Logits[i].Length > 0)
            {
                var token = TokenSampler.Sample(result.Logits[i], Greedy, running.Answer.Tokens.Count);
                running.Answer.Add(token);
                running.Unfed = new[] { token };
            }
        }
    }

    private sealed class Running(DecoderSequence sequence, ReadOnlyMemory<int> prompt, TimedAnswer answer)
    {
        public DecoderSequence Sequence { get; } = sequence;

        public TimedAnswer Answer { get; } = answer;

        /// <summary>Known tokens that the model has not seen yet.</summary>
        public ReadOnlyMemory<int> Unfed { get; set; } = prompt;
    }
}
