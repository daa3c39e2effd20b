namespace ExpertCluster.Cli.Benchmarks;

/// <summary>One of the ways to generate that <c>bench generate</c> compares.</summary>
internal interface IGenerator : IAsyncDisposable
{
    /// <summary>Continues all prompts at once, greedily.</summary>
    /// <param name="prompts">Token ids of each.</param>
    /// <param name="maxTokens">New tokens of each; fewer come where the model ends its answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Answers in the order of the prompts.</returns>
    Task<IReadOnlyList<TimedAnswer>> GenerateAsync(
        IReadOnlyList<IReadOnlyList<int>> prompts, int maxTokens, CancellationToken cancellationToken);
}
