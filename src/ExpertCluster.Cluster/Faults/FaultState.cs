using System.Collections.Immutable;
using System.Text.Json;

namespace ExpertCluster.Cluster.Faults;

/// <summary>The faults that act on a node.</summary>
/// <param name="Block"><c>HOST:PORT</c> of nodes that nothing passes to or from.</param>
/// <param name="AnswerDelay">How much later than computed this node answers rows.</param>
internal sealed record FaultState(ImmutableHashSet<string> Block, TimeSpan AnswerDelay)
{
    private static readonly JsonSerializerOptions Form = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>Nothing is wrong.</summary>
    public static FaultState None { get; } = new([], TimeSpan.Zero);

    /// <summary>Reads a control file's text.</summary>
    /// <exception cref="JsonException">It is no such text.</exception>
    public static FaultState Read(string text)
    {
        var form = JsonSerializer.Deserialize<Written>(text, Form) ?? new Written(null, 0);
        return form.AnswerDelayMs is >= 0 and <= 60_000
            ? new FaultState([.. form.Block ?? []], TimeSpan.FromMilliseconds(form.AnswerDelayMs))
            : throw new JsonException($"answerDelayMs is {form.AnswerDelayMs}; it must be 0 to 60000");
    }

    private sealed record Written(string[]? Block, int AnswerDelayMs);
}
