using ExpertCluster.Cli.Benchmarks;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Cli.Drills.Prompts;

/// <summary>Prompts with known answers: windows of one text, or the model's own texts of two kinds.</summary>
/// <param name="Steady">The traffic of every scenario, and of the first half of a drift.</param>
/// <param name="Turned">What the traffic of a drift turns to; empty in other scenarios.</param>
/// <param name="Tried">Prompts computed; those that are not kept nearly tied somewhere, or ended early.</param>
internal sealed record DrillPrompts(IReadOnlyList<VerifiedPrompt> Steady, IReadOnlyList<VerifiedPrompt> Turned, int Tried)
{
    private const int Wanted = 96;

    /// <summary>Fewer would be the same few texts again and again.</summary>
    private const int Least = 8;

    /// <summary>Short prompts: a drill wants many answers, not long ones.</summary>
    private const int PromptTokens = 12;

    private const int SampledTokens = 20;

    private static readonly string[] Prose = ["ROMEO:", "JULIET:", "KING HENRY:", "First Citizen:", "HAMLET:", "DUKE:"];

    private static readonly string[] Code = ["public sealed class", "public sealed class Node", "public static class", "internal sealed record"];

    /// <summary>Computes them in this process.</summary>
    /// <exception cref="UsageException">The model can not be drilled with, or too few of its answers are clear.</exception>
    public static async Task<DrillPrompts> MakeAsync(string directory, int tokens, int seed, bool drift, CancellationToken cancellationToken)
    {
        var tokenizer = TokenizerLoader.Open(directory);
        await using var solo = await SoloRun.LoadAsync(directory);
        if (PromptTokens + SampledTokens + tokens > solo.MaxContext)
        {
            throw new UsageException($"--tokens is {tokens}; the context of the model holds {solo.MaxContext}, {PromptTokens + SampledTokens} of them for prompts.");
        }

        if (!drift)
        {
            var windows = BenchmarkPrompts.Take(tokenizer, Wanted).Select(IReadOnlyList<int> (p) => [.. p.Take(PromptTokens)]).ToArray();
            return new DrillPrompts(Enough(await solo.AnswerAsync(windows, tokens, cancellationToken)), [], windows.Length);
        }

        var prose = await solo.SampleAsync(Begin(tokenizer, Prose), SampledTokens, seed, cancellationToken);
        var code = await solo.SampleAsync(Begin(tokenizer, Code), SampledTokens, seed + 1, cancellationToken);
        return new DrillPrompts(
            Enough(await solo.AnswerAsync(prose, tokens, cancellationToken)), Enough(await solo.AnswerAsync(code, tokens, cancellationToken)),
            prose.Count + code.Count);
    }

    private static IReadOnlyList<int>[] Begin(ITextTokenizer tokenizer, string[] beginnings)
    {
        IReadOnlyList<int>[] encoded = [.. beginnings.Select(text => tokenizer.Encode(text))];
        return [.. Enumerable.Range(0, Wanted).Select(i => encoded[i % encoded.Length])];
    }

    private static IReadOnlyList<VerifiedPrompt> Enough(IReadOnlyList<VerifiedPrompt> answered)
    {
        var kept = AnswerMargin.Keep(answered);
        return kept.Count >= Least ? kept : throw new UsageException(
            $"Of {answered.Count} prompts only {kept.Count} have answers whose two highest logits are {AnswerMargin.Least} apart everywhere; "
            + $"a drill needs {Least}. Ask for shorter answers (--tokens).");
    }
}
