using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models;
using ExpertCluster.Models.Inspection;
using ExpertCluster.Models.Tokenization;
using ExpertCluster.Tensors;

namespace ExpertCluster.Cli.Inspection;

/// <summary>Cuts texts into windows of tokens and routes them through a checkpoint in this process.</summary>
internal sealed class TextRouter
{
    private readonly InspectSettings _settings;
    private readonly ModelCheckpoint _checkpoint;
    private readonly ITextTokenizer _tokenizer;
    private readonly int[] _before;
    private readonly int _window;

    /// <exception cref="UsageException">The model has no layers with experts, or the window does not fit its context.</exception>
    /// <exception cref="TokenizerException">The checkpoint has no tokenizer, or one that can not be used.</exception>
    public TextRouter(InspectSettings settings, ModelCheckpoint checkpoint)
    {
        _settings = settings;
        _checkpoint = checkpoint;
        _tokenizer = TokenizerLoader.TryOpen(checkpoint.Directory)
            ?? throw new UsageException($"The checkpoint in {checkpoint.Directory} has no tokenizer, so --text can not be read.");
        var shape = checkpoint.Shape;
        if (shape.MoeLayers.Length == 0)
        {
            throw new UsageException($"The model in {checkpoint.Directory} has no layer with experts; there is nothing to inspect.");
        }

        if (shape.IsEncoderDecoder)
        {
            throw new UsageException(
                $"The model in {checkpoint.Directory} is an encoder–decoder ({shape.Family}); inspect reads a text through a decoder only.");
        }

        _before = Before(_tokenizer);
        Window = settings.Window ?? Math.Min(shape.MaxContext, InspectSettings.LongestDefaultWindow);
        if (Window > shape.MaxContext)
        {
            throw new UsageException($"--window is {Window} and the model's context holds {shape.MaxContext}.");
        }

        _window = Window - _before.Length;
        if (_window < 2)
        {
            throw new UsageException(
                $"--window is {Window}, and {_before.Length} of it are tokens a prompt begins with; at least 2 of the text must fit.");
        }
    }

    /// <summary>Tokens of a window, those a prompt begins with included.</summary>
    public int Window { get; }

    /// <summary>Tokens a prompt begins with: seen by every window, counted in none.</summary>
    public int TokensBefore => _before.Length;

    public ITextTokenizer Tokenizer => _tokenizer;

    /// <summary>Routes all texts.</summary>
    /// <param name="progress">Told what is under way.</param>
    /// <param name="cancellationToken">Cancels between layers.</param>
    /// <returns>The trace, and for each text whether it ended before the limit.</returns>
    public async Task<(RoutingTrace Trace, bool[] Whole)> RunAsync(LoadProgress progress, CancellationToken cancellationToken)
    {
        progress.Say($"loading {Path.GetFileName(_checkpoint.Directory)}");
        await using var executor = new DeviceExecutor("cpu", _settings.Threads);
        await using var model = _checkpoint.LoadDense(executor);
        using var experts = await LocalExperts.LoadAsync(_checkpoint, executor);
        var recorder = new RoutingRecorder(model, experts, _settings.Texts.Count);
        var whole = new bool[_settings.Texts.Count];
        for (var file = 0; file < whole.Length; file++)
        {
            whole[file] = await RouteAsync(recorder, file, progress, cancellationToken);
        }

        return (recorder.Trace, whole);
    }

    private async Task<bool> RouteAsync(RoutingRecorder recorder, int file, LoadProgress progress, CancellationToken cancellationToken)
    {
        var window = new List<int>();
        var routed = 0;
        progress.Say($"routing {_settings.Names[file]}");
        foreach (var piece in TextPieces.Read(_settings.Texts[file]))
        {
            foreach (var token in _tokenizer.Encode(piece, addSpecialTokens: false))
            {
                if (routed + window.Count == _settings.MaxTokens)
                {
                    await FlushAsync();
                    return false;
                }

                window.Add(token);
                if (window.Count == _window)
                {
                    await FlushAsync();
                }
            }
        }

        if (routed + window.Count < 2)
        {
            throw new UsageException(
                $"{_settings.Texts[file]} has {routed + window.Count} {(routed + window.Count == 1 ? "token" : "tokens")}; at least 2 are needed.");
        }

        await FlushAsync();
        return true;

        async Task FlushAsync()
        {
            if (window.Count == 0)
            {
                return;
            }

            if ((long)(recorder.Trace.Count + window.Count) * recorder.Trace.TopK > Array.MaxLength)
            {
                throw new UsageException(
                    $"The texts have more than {recorder.Trace.Count} tokens of {recorder.Trace.TopK} experts each, more than can be counted; lower --max-tokens.");
            }

            await recorder.RecordAsync(file, _before, window.ToArray(), cancellationToken);
            routed += window.Count;
            window.Clear();
            if (Terminal.IsInteractive)
            {
                progress.Say($"routing {_settings.Names[file]}: {routed} tokens");
            }
        }
    }

    /// <summary>What the tokenizer puts before a text, found by what surrounds one.</summary>
    private static int[] Before(ITextTokenizer tokenizer)
    {
        const string Any = "a";
        var bare = tokenizer.Encode(Any, addSpecialTokens: false);
        var prompt = tokenizer.Encode(Any);
        for (var i = 0; i + bare.Count <= prompt.Count; i++)
        {
            if (prompt.Skip(i).Take(bare.Count).SequenceEqual(bare))
            {
                return [.. prompt.Take(i)];
            }
        }

        return [];
    }
}
