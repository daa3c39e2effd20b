using System.CommandLine;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Inspection;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Cli.Commands;

/// <summary>Routes texts through a checkpoint, in this process and without a cluster, and reports what its experts learned.</summary>
internal static class InspectCommand
{
    private static readonly Argument<string> Model = new("DIR") { Description = "A checkpoint's directory, or the name of a model that comes along." };

    private static readonly Option<string[]> Text = new("--text")
    {
        Description = "UTF-8 texts to route; with several, also how their experts differ.",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int?> Window = new("--window")
    {
        Description = "Tokens routed with each other in sight, without overlap, at least 2 (default: the context, at most "
            + $"{InspectSettings.LongestDefaultWindow}).",
    };

    private static readonly Option<int> MaxTokens = new("--max-tokens")
    {
        Description = "The most tokens of each text; the rest is left out.",
        DefaultValueFactory = _ => 100_000,
    };

    private static readonly Option<int> MinTokens = new("--min-tokens")
    {
        Description = "Tokens each text must have for the check to pass: below a thousand or so, chance is most of what is found.",
        DefaultValueFactory = _ => 1000,
    };

    private static readonly Option<int> Favourites = new("--favourites")
    {
        Description = "Favourite tokens of each expert, 0 to 100.",
        DefaultValueFactory = _ => new InspectionOptions().Favourites,
    };

    private static readonly Option<int> Shuffles = new("--shuffles")
    {
        Description = "How often windows are dealt to texts at random, to see what chance looks like.",
        DefaultValueFactory = _ => new InspectionOptions().Shuffles,
    };

    private static readonly Option<long> Seed = new("--seed")
    {
        Description = "Of everything random; the same seed gives the same report.",
        DefaultValueFactory = _ => new InspectionOptions().Seed,
    };

    private static readonly Option<string?> Html = new("--html") { Description = "Write heat maps to this file, one page that needs nothing else." };

    public static Command Create()
    {
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("inspect", "Route texts and report what each expert learned.")
        {
            Model, Text, Window, MaxTokens, MinTokens, Favourites, Shuffles, Seed, Html, threads, json,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var settings = new InspectSettings
            {
                Directory = ModelDirectory.Find(parsed.GetValue(Model)!),
                Texts = parsed.GetValue(Text)!,
                Window = parsed.GetValue(Window),
                MaxTokens = parsed.GetValue(MaxTokens),
                MinTokens = parsed.GetValue(MinTokens),
                Options = new InspectionOptions
                {
                    Favourites = parsed.GetValue(Favourites),
                    Shuffles = parsed.GetValue(Shuffles),
                    Seed = parsed.GetValue(Seed),
                },
                Html = parsed.GetValue(Html),
                Threads = parsed.GetValue(threads),
            }.Validate();
            using var progress = new LoadProgress(parsed.GetValue(json));
            var result = await InspectAsync(settings, progress, cancellationToken);
            if (settings.Html is { } html)
            {
                HtmlPage.Write(result, html);
            }

            progress.Dispose();
            return parsed.GetValue(json) ? result.PrintJson() : InspectTables.Print(result);
        }));
        return command;
    }

    private static async Task<InspectResult> InspectAsync(InspectSettings settings, LoadProgress progress, CancellationToken cancellationToken)
    {
        using var checkpoint = ModelCheckpoint.Open(settings.Directory);
        var router = new TextRouter(settings, checkpoint);
        var (trace, whole) = await router.RunAsync(progress, cancellationToken);
        progress.Say("counting");
        return new InspectResult
        {
            Settings = settings,
            Model = Path.GetFileName(Path.TrimEndingDirectorySeparator(settings.Directory)),
            Family = checkpoint.Shape.Family,
            TopK = trace.TopK,
            Window = router.Window,
            TokensBefore = router.TokensBefore,
            Whole = whole,
            Report = RoutingInspection.Analyse(
                trace, token => TokenText.Classify(router.Tokenizer, token), settings.Options, cancellationToken),
            TextOf = token => TokenText.Render(router.Tokenizer, token),
        };
    }
}
