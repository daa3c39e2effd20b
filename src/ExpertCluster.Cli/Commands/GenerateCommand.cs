using System.CommandLine;
using System.Diagnostics;
using System.Text;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;
using ExpertCluster.Client;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Models.Tokenization;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cli.Commands;

/// <summary>Continues a text: on a cluster inside this process, or on one that runs already.</summary>
internal static class GenerateCommand
{
    private static readonly Option<string> Prompt = new("--prompt") { Description = "The text to continue.", Required = true };

    private static readonly Option<string?> Model = new("--model")
    {
        Description = $"A checkpoint's directory or the name of a model that comes along (default {ModelDirectory.Default}); "
            + "with --connect the name of a model of that cluster.",
    };

    private static readonly Option<int> MaxTokens = new("--max-tokens")
    {
        Description = "The most tokens to generate.",
        DefaultValueFactory = _ => 64,
    };

    private static readonly Option<double> Temperature = new("--temperature") { Description = "0 is greedy (default)." };

    private static readonly Option<int> TopK = new("--top-k") { Description = "Sample among the k likeliest tokens; 0 (default): all." };

    private static readonly Option<double> TopP = new("--top-p")
    {
        Description = "Sample among the fewest tokens that reach this probability, in (0, 1].",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<long?> Seed = new("--seed") { Description = "Makes sampling repeatable." };

    private static readonly Option<string[]> Stop = new("--stop") { Description = "End before this text; may be given several times." };

    private static readonly Option<double> Deadline = new("--deadline")
    {
        Description = "Seconds the whole answer may take.",
        DefaultValueFactory = _ => 120,
    };

    private static readonly Option<string[]> Connect = new("--connect")
    {
        Description = "HOST:PORT of a gateway of a running cluster, instead of starting one; may be given several times.",
    };

    private static readonly Option<long> MemoryMb = new("--memory-mb")
    {
        Description = "Memory budget of each embedded node for experts, in MiB; 0 (default): half of the machine's memory.",
    };

    private static readonly Option<string?> Record = CommonOptions.Record();

    public static Command Create()
    {
        var nodes = CommonOptions.Nodes(3);
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var verbose = CommonOptions.Verbose();
        var command = new Command("generate", "Continue a text.")
        {
            Prompt, Model, MaxTokens, Temperature, TopK, TopP, Seed, Stop, Deadline, nodes, threads, MemoryMb, Record, Connect, json, verbose,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var started = Process.GetCurrentProcess().StartTime.ToUniversalTime();
            var request = Read(parsed);
            var record = parsed.GetValue(Record);
            if (parsed.GetValue(Connect) is { Length: > 0 } endpoints)
            {
                if (record is not null)
                {
                    throw new UsageException("--record records routers of this process, and with --connect they are another's; start that node with --record.");
                }

                await using var client = await ExpertClusterClient.ConnectAsync(endpoints, cancellationToken: cancellationToken);
                request = request with { Model = await ChooseAsync(client, parsed.GetValue(Model), cancellationToken) };
                return await RunAsync(client, request, started, parsed.GetValue(json), cancellationToken);
            }

            var directory = ModelDirectory.Find(parsed.GetValue(Model) ?? ModelDirectory.Default);
            var options = new EmbeddedClusterOptions
            {
                Nodes = parsed.GetValue(nodes),
                Threads = parsed.GetValue(threads),
                Models = [directory],
                BeforeStart = runtime => CheckPrompt(runtime, request.Prompt!),
            };
            var megabytes = parsed.GetValue(MemoryMb);
            if (megabytes < 0 || megabytes > long.MaxValue >> 20)
            {
                throw new UsageException($"--memory-mb is {megabytes}; it must be 1 to {long.MaxValue >> 20}.");
            }

            options.Configure = (index, node) =>
            {
                node.Experts.MemoryBytes = megabytes > 0 ? megabytes << 20 : node.Experts.MemoryBytes;
                node.Load.RecordPath = index == 0 ? record : null;
            };

            await using var cluster = await ClusterStart.EmbeddedAsync(
                options, parsed.GetValue(json), parsed.GetValue(verbose), cancellationToken);
            request = request with { Model = cluster.Model.Name };
            return await RunAsync(cluster.Client, request, started, parsed.GetValue(json), cancellationToken);
        }));
        return command;
    }

    private static GenerateRequest Read(ParseResult parsed)
    {
        // What is wrong for any model is said before a cluster is started for it.
        var request = new GenerateRequest
        {
            Model = "",
            Prompt = parsed.GetValue(Prompt),
            MaxTokens = parsed.GetValue(MaxTokens),
            Temperature = parsed.GetValue(Temperature),
            TopK = parsed.GetValue(TopK),
            TopP = parsed.GetValue(TopP),
            Seed = parsed.GetValue(Seed),
            Stop = parsed.GetValue(Stop) ?? [],
        };
        var deadline = parsed.GetValue(Deadline);
        return string.IsNullOrEmpty(request.Prompt) ? throw new UsageException("--prompt is empty; give at least one character.")
            : request.MaxTokens < 1 ? throw new UsageException($"--max-tokens is {request.MaxTokens}; it must be at least 1.")
            : !(request.Temperature is >= 0 and <= 100) ? throw new UsageException($"--temperature is {request.Temperature}; it must be 0 to 100.")
            : request.TopK < 0 ? throw new UsageException($"--top-k is {request.TopK}; it must be 0 (all) or more.")
            : !(request.TopP is > 0 and <= 1) ? throw new UsageException($"--top-p is {request.TopP}; it must be above 0 and at most 1.")
            : request.Stop.Any(string.IsNullOrEmpty) || request.Stop.Count > 16
                ? throw new UsageException($"--stop is given {request.Stop.Count} times; at most 16 texts are taken and none may be empty.")
            : !(deadline is > 0 and <= 86400) ? throw new UsageException($"--deadline is {deadline}; it must be above 0 and at most 86400 seconds.")
            : request with { Options = new RequestOptions { Deadline = TimeSpan.FromSeconds(deadline) } };
    }

    /// <summary>The gateway would say the same, but only after a cluster was started for it.</summary>
    private static void CheckPrompt(ClusterRuntime runtime, string prompt)
    {
        var model = runtime.Models[0];
        if (runtime.Tokenizer(model.Name) is not { } tokenizer)
        {
            // Says why, where the tokenizer is there but of a kind nobody here runs.
            TokenizerLoader.TryOpen(model.Checkpoint.Directory);
            throw new UsageException($"The checkpoint in {model.Checkpoint.Directory} has no tokenizer, so --prompt can not be read.");
        }

        var tokens = tokenizer.Encode(prompt).Count;
        var shape = model.Checkpoint.Shape;
        if (shape.IsEncoderDecoder ? tokens > shape.MaxContext : tokens >= shape.MaxContext)
        {
            throw new UsageException(
                $"--prompt has {tokens} tokens and the context of {model.Name} holds {shape.MaxContext}{(shape.IsEncoderDecoder ? "" : ", answer included")}.");
        }
    }

    private static async Task<string> ChooseAsync(IExpertClusterClient client, string? wanted, CancellationToken cancellationToken)
    {
        if (wanted is not null)
        {
            return wanted;
        }

        var models = await client.ListModelsAsync(cancellationToken);
        return models.Count == 1
            ? models[0].Name
            : throw new UsageException($"The cluster serves {models.Count} models ({string.Join(", ", models.Select(m => m.Name))}); "
                + "choose one with --model.");
    }

    private static async Task<int> RunAsync(
        IExpertClusterClient client, GenerateRequest request, DateTime started, bool json, CancellationToken cancellationToken)
    {
        // A gateway counts since its own start; the difference is this request's, as far as others let it be.
        var before = await client.GetClusterReportAsync(request.Model, cancellationToken);
        var models = await client.ListModelsAsync(cancellationToken);
        if (!json && !models.Any(m => m.Name == request.Model && m.EncoderDecoder))
        {
            Console.Out.Write(request.Prompt);
        }

        var text = new StringBuilder();
        var ids = new List<int>();
        var clock = Stopwatch.StartNew();
        TimeSpan? first = null;
        double? sinceStart = null;
        GeneratedToken? last = null;
        try
        {
            await foreach (var token in client.GenerateAsync(request, cancellationToken))
            {
                first ??= clock.Elapsed;
                sinceStart ??= (DateTime.UtcNow - started).TotalSeconds;
                last = token;
                if (token.Id >= 0)
                {
                    ids.Add(token.Id);
                }

                text.Append(token.Text);
                if (!json)
                {
                    Console.Out.Write(token.Text);
                    Console.Out.Flush();
                }
            }
        }
        catch when (!json)
        {
            // The error gets a line of its own.
            Console.Out.WriteLine();
            throw;
        }

        var took = clock.Elapsed;
        var report = (await client.GetClusterReportAsync(request.Model, cancellationToken)).Since(before);
        var result = new GenerateResult(
            request.Model, request.Prompt!, text.ToString(), ids, last?.FinishReason, last?.PromptTokens ?? 0, first ?? took, sinceStart ?? 0,
            took, report);
        return json ? result.PrintJson() : result.PrintText();
    }
}
