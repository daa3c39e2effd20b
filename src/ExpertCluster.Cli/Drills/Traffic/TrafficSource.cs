using ExpertCluster.Cli.Drills.Prompts;
using ExpertCluster.Client;

namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>Sends requests as an application would, through the client SDK, and compares every answer.</summary>
internal sealed class TrafficSource(IExpertClusterClient client, string model, DrillClock clock, TrafficLog log, int maxTokens)
{
    /// <summary>Requests under way at once; one more waits, and its latency counts from when it was due.</summary>
    public const int MostUnderWay = 64;

    private static readonly RequestOptions Options = new() { Deadline = TimeSpan.FromSeconds(60), Client = "drill" };

    private readonly SemaphoreSlim _room = new(MostUnderWay);
    private IReadOnlyList<VerifiedPrompt> _prompts = [];
    private int _next;
    private int _sent;

    /// <summary>Requests sent so far.</summary>
    public int Sent => Volatile.Read(ref _sent);

    /// <summary>What is asked from now on.</summary>
    public void Use(IReadOnlyList<VerifiedPrompt> prompts) => Volatile.Write(ref _prompts, prompts);

    /// <summary>As many answers as some clients get that ask again as soon as they have one.</summary>
    /// <returns>Right answers a second.</returns>
    public async Task<double> SaturateAsync(int clients, TimeSpan time, CancellationToken cancellationToken)
    {
        var from = clock.Now;
        var until = from + time.TotalSeconds;
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async _ =>
        {
            while (clock.Now < until)
            {
                await AskAsync(clock.Now, cancellationToken);
            }
        }));
        return log.Answers(from, until).Count(a => a.Outcome == AnswerOutcome.Right && a.Ended <= until) / time.TotalSeconds;
    }

    /// <summary>Sends so many requests a second, evenly, whatever becomes of them, until cancelled; then waits for those under way.</summary>
    public async Task OfferAsync(double perSecond, CancellationToken stop, CancellationToken cancellationToken)
    {
        var underWay = new HashSet<Task>();
        var from = clock.Now;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellationToken);
        try
        {
            for (long i = 0; ; i++)
            {
                var due = from + (i / perSecond);
                if (due - clock.Now is > 0 and var wait)
                {
                    await Task.Delay(TimeSpan.FromSeconds(wait), both.Token);
                }

                await _room.WaitAsync(both.Token);
                underWay.RemoveWhere(task => task.IsCompleted);
                underWay.Add(AskInRoomAsync(due, cancellationToken));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            await Task.WhenAll(underWay);
        }
    }

    private async Task AskInRoomAsync(double due, CancellationToken cancellationToken)
    {
        try
        {
            await AskAsync(due, cancellationToken);
        }
        finally
        {
            _room.Release();
        }
    }

    private async Task AskAsync(double due, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var prompts = Volatile.Read(ref _prompts);
        var prompt = prompts[(int)((uint)Interlocked.Increment(ref _next) % (uint)prompts.Count)];
        Interlocked.Increment(ref _sent);
        var request = new GenerateRequest { Model = model, PromptTokens = prompt.Tokens, MaxTokens = maxTokens, Options = Options };
        var tokens = new List<int>(maxTokens);
        try
        {
            await foreach (var token in client.GenerateAsync(request, cancellationToken))
            {
                if (token.Id >= 0)
                {
                    tokens.Add(token.Id);
                    log.Token(clock.Now);
                }
            }

            var right = tokens.SequenceEqual(prompt.Answer);
            log.Add(new Answer(
                due, clock.Now, right ? AnswerOutcome.Right : AnswerOutcome.Wrong,
                right ? null : $"[{string.Join(", ", tokens)}] in place of [{string.Join(", ", prompt.Answer)}]"));
        }
        catch (ExpertClusterException e)
        {
            log.Add(new Answer(due, clock.Now, AnswerOutcome.Failed, $"{e.Code}: {e.Message}"));
        }
    }
}
