using ExpertCluster.Models;
using ExpertCluster.Models.Generation;
using ExpertCluster.Tensors;

namespace ExpertCluster.Cli.Drills.Prompts;

/// <summary>The whole model in this process, in float32 on one thread: what answers of a cluster are compared with.</summary>
internal sealed class SoloRun : IAsyncDisposable
{
    /// <summary>Sequences that go through the model together.</summary>
    private const int Together = 16;

    private readonly ModelCheckpoint _checkpoint;
    private readonly DeviceExecutor _executor;
    private readonly SequenceModel _model;
    private readonly LocalExperts _experts;

    private SoloRun(ModelCheckpoint checkpoint, DeviceExecutor executor, SequenceModel model, LocalExperts experts) =>
        (_checkpoint, _executor, _model, _experts) = (checkpoint, executor, model, experts);

    /// <summary>The most tokens of prompt and answer together.</summary>
    public int MaxContext => _checkpoint.Shape.MaxContext;

    /// <summary>Loads all of the model.</summary>
    public static async Task<SoloRun> LoadAsync(string directory)
    {
        LibTorch.Load();
        var checkpoint = ModelCheckpoint.Open(directory);
        var executor = new DeviceExecutor("cpu", 1);
        SequenceModel? model = null;
        try
        {
            model = await executor.RunAsync(() => checkpoint.LoadDense(executor));
            return new SoloRun(checkpoint, executor, model, await LocalExperts.LoadAsync(checkpoint, executor));
        }
        catch
        {
            model?.Dispose();
            await executor.DisposeAsync();
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Continues each prompt greedily; prompts whose answer ends early are left out.</summary>
    public async Task<IReadOnlyList<VerifiedPrompt>> AnswerAsync(
        IReadOnlyList<IReadOnlyList<int>> prompts, int tokens, CancellationToken cancellationToken)
    {
        var greedy = new SamplingOptions();
        var continued = await ContinueAsync(prompts, tokens, _ => greedy, cancellationToken);
        return [.. prompts.Zip(continued, (prompt, answer) => new VerifiedPrompt(prompt, answer.Tokens, answer.Margin))
            .Where(p => !p.Answer.Any(_model.Shape.EndTokens.Contains))];
    }

    /// <summary>Continues each beginning by draws at temperature 1; the model's own texts are the traffic it was trained for.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<int>>> SampleAsync(
        IReadOnlyList<IReadOnlyList<int>> beginnings, int tokens, int seed, CancellationToken cancellationToken)
    {
        var continued = await ContinueAsync(
            beginnings, tokens, index => new SamplingOptions { Temperature = 1, Seed = ((long)seed << 20) + index }, cancellationToken);
        return [.. beginnings.Zip(continued, IReadOnlyList<int> (beginning, answer) => [.. beginning, .. answer.Tokens])];
    }

    public async ValueTask DisposeAsync()
    {
        _experts.Dispose();
        await _model.DisposeAsync();
        await _executor.DisposeAsync();
        _checkpoint.Dispose();
    }

    private async Task<List<(List<int> Tokens, float Margin)>> ContinueAsync(
        IReadOnlyList<IReadOnlyList<int>> prompts, int tokens, Func<int, SamplingOptions> sampling, CancellationToken cancellationToken)
    {
        var answers = new List<(List<int>, float)>(prompts.Count);
        foreach (var chunk in prompts.Index().Chunk(Together))
        {
            var running = chunk.Select(p => new Running(_model.NewSequence(), [.. p.Item], sampling(p.Index))).ToArray();
            try
            {
                for (var i = 0; i < tokens; i++)
                {
                    var result = await _model.StepAsync(
                        [.. running.Select(r => new StepSlice(r.Sequence, r.Unfed, LogitsWanted.Last))], _experts, cancellationToken);
                    foreach (var (one, logits) in running.Zip(result.Logits))
                    {
                        one.Take(logits);
                    }
                }

                answers.AddRange(running.Select(r => (r.Tokens, r.Margin)));
            }
            finally
            {
                Array.ForEach(running, r => r.Sequence.Dispose());
            }
        }

        return answers;
    }

    private sealed class Running(DecoderSequence sequence, int[] prompt, SamplingOptions sampling)
    {
        public DecoderSequence Sequence { get; } = sequence;

        public ReadOnlyMemory<int> Unfed { get; private set; } = prompt;

        public List<int> Tokens { get; } = [];

        public float Margin { get; private set; } = float.PositiveInfinity;

        public void Take(float[] logits)
        {
            var token = TokenSampler.Sample(logits, sampling, Tokens.Count);
            Margin = Math.Min(Margin, AnswerMargin.Of(logits));
            Tokens.Add(token);
            Unfed = new[] { token };
        }
    }
}
