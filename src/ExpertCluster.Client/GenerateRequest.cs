namespace ExpertCluster.Client;

/// <summary>A request to continue a text. Give <see cref="Prompt"/> or <see cref="PromptTokens"/>, not both.</summary>
public sealed record GenerateRequest
{
    /// <summary>A name that <see cref="IExpertClusterClient.ListModelsAsync"/> gives.</summary>
    public required string Model { get; init; }

    /// <summary>The text to continue, tokenised by the model's own tokenizer.</summary>
    public string? Prompt { get; init; }

    /// <summary>The token ids to continue.</summary>
    public IReadOnlyList<int>? PromptTokens { get; init; }

    /// <summary>The most tokens to generate; at least 1. Default 128.</summary>
    public int MaxTokens { get; init; } = 128;

    /// <summary>0 is greedy (default); otherwise logits are divided by it. 0 to 100.</summary>
    public double Temperature { get; init; }

    /// <summary>Sample among the k likeliest tokens; 0 (default) means all.</summary>
    public int TopK { get; init; }

    /// <summary>Sample among the fewest tokens whose probabilities reach this sum, in (0, 1]. Default 1: all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Makes sampling repeatable: the same seed, prompt and model give the same tokens. A random one where null.</summary>
    public long? Seed { get; init; }

    /// <summary>Generation ends before the first of these texts; none is part of the output. At most 16.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Deadline and request id.</summary>
    public RequestOptions Options { get; init; } = new();

    /// <summary>
    /// Tokens another gateway already generated for this request before it died; generation goes on behind them as if it had never stopped.
    /// The network client fills this in when it resumes.
    /// </summary>
    public IReadOnlyList<int> Resume { get; init; } = [];
}
