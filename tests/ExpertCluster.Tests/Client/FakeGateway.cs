using System.Runtime.CompilerServices;
using ExpertCluster.Client;

namespace ExpertCluster.Tests.Client;

/// <summary>A gateway whose answers a test scripts.</summary>
public sealed class FakeGateway : IExpertClusterClient
{
    public static ModelInfo Model { get; } = new("folio-moe", "mixtral", 4, 8, 2, 64, 96, 256, 32);

    public Func<CancellationToken, Task<IReadOnlyList<ModelInfo>>> OnListModels { get; set; } =
        _ => Task.FromResult<IReadOnlyList<ModelInfo>>([Model]);

    public Func<string, CancellationToken, Task<ClusterReport>> OnReport { get; set; } =
        (model, _) => Task.FromResult(new ClusterReport(model, 1, [], [], 0));

    public Func<int[], RequestOptions, CancellationToken, Task<FloatMatrix>> OnForward { get; set; } =
        (tokens, _, _) => Task.FromResult(new FloatMatrix(tokens.Length, 1, Array.ConvertAll(tokens, token => (float)token)));

    public Func<int, FloatMatrix, CancellationToken, Task<FloatMatrix>> OnForwardLayer { get; set; } =
        (_, hidden, _) => Task.FromResult(hidden);

    public Func<GenerateRequest, CancellationToken, IAsyncEnumerable<GeneratedToken>> OnGenerate { get; set; } =
        (request, cancellation) => CountAsync(request, pauseBefore: -1, Task.CompletedTask, cancellation);

    /// <summary>A layer whose answers are marked as degraded.</summary>
    public int? DegradedLayer { get; set; }

    /// <summary>Every request that reached <see cref="GenerateAsync"/>.</summary>
    public List<GenerateRequest> Generated { get; } = [];

    /// <summary>The id of the token at a position, the same at each gateway.</summary>
    public static int TokenAt(int index) => 1000 + (index * 7);

    /// <summary>Deterministic tokens behind the resumed ones, up to MaxTokens; waits before one position until told to go on.</summary>
    public static async IAsyncEnumerable<GeneratedToken> CountAsync(
        GenerateRequest request, int pauseBefore, Task goOn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int i = request.Resume.Count; i < request.MaxTokens; i++)
        {
            if (i == pauseBefore)
            {
                await goOn.WaitAsync(cancellationToken);
            }

            yield return Token(i);
        }

        yield return new GeneratedToken
        {
            Index = request.MaxTokens,
            Id = -1,
            Text = "",
            FinishReason = FinishReason.Length,
            PromptTokens = 3,
        };
    }

    public static GeneratedToken Token(int index) => new() { Index = index, Id = TokenAt(index), Text = $"t{index} " };

    public Task<IReadOnlyList<ModelInfo>> ListModelsAsync(CancellationToken cancellationToken = default) => OnListModels(cancellationToken);

    public Task<ClusterReport> GetClusterReportAsync(string model, CancellationToken cancellationToken = default)
        => OnReport(model, cancellationToken);

    public Task<string> OperateAsync(string verb, string? arguments = null, CancellationToken cancellationToken = default) =>
        Task.FromResult($$"""{"verb":"{{verb}}","arguments":{{(string.IsNullOrEmpty(arguments) ? "null" : arguments)}}}""");

    public Task<FloatMatrix> ForwardAsync(
        string model, ReadOnlyMemory<int> tokens, RequestOptions? options = null, CancellationToken cancellationToken = default)
        => OnForward(tokens.ToArray(), options ?? new RequestOptions(), cancellationToken);

    public Task<FloatMatrix> ForwardLayerAsync(
        string model, int layer, FloatMatrix hidden, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        options?.Timed?.Invoke(new LayerTiming(default, default, default, default, default, default, default));
        if (layer == DegradedLayer)
        {
            options?.Degraded?.Invoke();
        }

        return OnForwardLayer(layer, hidden, cancellationToken);
    }

    public IAsyncEnumerable<GeneratedToken> GenerateAsync(GenerateRequest request, CancellationToken cancellationToken = default)
    {
        lock (Generated)
        {
            Generated.Add(request);
        }

        return OnGenerate(request, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
