using ExpertCluster.Cli.Output;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Cli.Inspection;

/// <summary>What <c>inspect</c> was asked for.</summary>
internal sealed record InspectSettings
{
    /// <summary>Longest window unless asked otherwise: long enough for context to matter, short enough that attention stays cheap.</summary>
    public const int LongestDefaultWindow = 512;

    private const int MostTokens = 10_000_000;

    public required string Directory { get; init; }

    public required IReadOnlyList<string> Texts { get; init; }

    /// <summary>Tokens of a window, those a prompt begins with included; null for the context, at most <see cref="LongestDefaultWindow"/>.</summary>
    public required int? Window { get; init; }

    public required int MaxTokens { get; init; }

    public required int MinTokens { get; init; }

    public required InspectionOptions Options { get; init; }

    public required string? Html { get; init; }

    public required int Threads { get; init; }

    /// <summary>What each text is called: its file's name, or its path where names are the same.</summary>
    public IReadOnlyList<string> Names => [.. Texts.Select(text => Texts.Count(other => Path.GetFileName(other) == Path.GetFileName(text)) == 1
        ? Path.GetFileName(text)
        : text)];

    /// <summary>Says what is wrong before anything is loaded.</summary>
    /// <exception cref="UsageException">A value is out of range, a text is given twice, or the page cannot be written where it should.</exception>
    public InspectSettings Validate()
    {
        if (Texts.FirstOrDefault(text => text.Length == 0) is not null)
        {
            throw new UsageException("--text is empty; give a file.");
        }

        var paths = Texts.Select(Path.GetFullPath).ToArray();
        for (var i = 0; i < paths.Length; i++)
        {
            if (Array.IndexOf(paths, paths[i]) < i)
            {
                throw new UsageException($"{Texts[i]} is given twice; its tokens would count twice.");
            }

            // The first piece shows most of what can be wrong with a text. A pipe, of no length or behind a link, can be read only once.
            if (!File.Exists(paths[i]) || new FileInfo(paths[i]) is { LinkTarget: null, Length: > 0 })
            {
                _ = TextPieces.Read(Texts[i]).FirstOrDefault();
            }
        }

        InRange("--window", Window ?? 2, 2, int.MaxValue);
        InRange("--max-tokens", MaxTokens, 2, MostTokens);
        InRange("--min-tokens", MinTokens, 0, MostTokens);
        InRange("--favourites", Options.Favourites, 0, 100);
        InRange("--shuffles", Options.Shuffles, 1, 100_000);
        InRange("--threads", Threads, 1, 1024);
        if (Html is not null)
        {
            CheckHtml(Html, paths);
        }

        return this;
    }

    private static void CheckHtml(string html, string[] texts)
    {
        if (html.Length == 0)
        {
            throw new UsageException("--html is empty; give a file.");
        }

        var path = Path.GetFullPath(html);
        if (System.IO.Directory.Exists(path))
        {
            throw new UsageException($"--html {html} is a directory; give a file.");
        }

        if (!System.IO.Directory.Exists(Path.GetDirectoryName(path)))
        {
            throw new UsageException($"--html {html}: no such directory.");
        }

        if (texts.Contains(path))
        {
            throw new UsageException($"--html {html} would overwrite a text that is read.");
        }
    }

    private static void InRange(string option, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new UsageException($"{option} is {value}; it must be {(most == int.MaxValue ? $"at least {least}" : $"{least} to {most}")}.");
        }
    }
}
