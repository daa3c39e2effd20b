using System.Diagnostics;
using ExpertCluster.Client;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Generation as an application asks for it: one call for each prompt, all under way at once.</summary>
internal sealed class ClientGenerator(IExpertClusterClient client, string model, IAsyncDisposable cluster) : IGenerator
{
    private static readonly RequestOptions Patient = new() { Deadline = TimeSpan.FromMinutes(30) };

    public async Task<IReadOnlyList<TimedAnswer>> GenerateAsync(
        IReadOnlyList<IReadOnlyList<int>> prompts, int maxTokens, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        return await Task.WhenAll(prompts.Select(prompt => AskAsync(prompt, maxTokens, started, cancellationToken)));
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    private async Task<TimedAnswer> AskAsync(IReadOnlyList<int> prompt, int maxTokens, long started, CancellationToken cancellationToken)
    {
        var answer = new TimedAnswer(started);
        var request = new GenerateRequest { Model = model, PromptTokens = prompt, MaxTokens = maxTokens, Options = Patient };
        await foreach (var token in client.GenerateAsync(request, cancellationToken).ConfigureAwait(false))
        {
            if (token.Id >= 0)
            {
                answer.Add(token.Id);
            }
        }

        return answer;
    }
}
