using System.Threading.Channels;
using ExpertCluster.Contracts;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Load;

/// <summary>
/// What the balancer remembers: last loads, last placements, decisions. It is held in memory and written behind to a file, where there is one. Whatever
/// happens to the file is told once and stops nobody. May be used by several threads.
/// </summary>
public sealed class BalancerStore : IAsyncDisposable
{
    /// <summary>Writes that wait for the disk; more are left out, and what is in memory stays right.</summary>
    private const int MostQueued = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Model, string Fingerprint), LoadSnapshot> _loads = [];
    private readonly Dictionary<(string Model, int Layer), (string Fingerprint, LayerPlacement Placement)> _placements = [];
    private readonly Queue<Decision> _decisions = [];
    private readonly int _history;
    private readonly ILogger _log;
    private readonly Channel<Entry> _queue = Channel.CreateBounded<Entry>(new BoundedChannelOptions(MostQueued) { SingleReader = true });
    private readonly Task _writing;
    private StoreFile? _file;
    private long _lastId;

    private BalancerStore(string? path, int history, TimeProvider time, ILogger log)
    {
        (Path, _history, _log) = (path, history, log);
        _file = path is null ? null : TryOpen(path, time);
        IsInMemory = _file is null;
        _writing = Task.Run(WriteBehindAsync);
    }

    /// <summary>The file asked for; null for memory only.</summary>
    public string? Path { get; }

    /// <summary>Whether nothing is written: none was asked for, it could not be opened, or a write failed.</summary>
    public bool IsInMemory { get; private set; }

    /// <summary>Opens a store and reads all of it. A file that is damaged, or of a newer version, is set aside as <c>*.corrupt-TIME</c>; one that can not be
    /// used – locked by another process, in a directory that can not be written – is left alone, and the store is in memory. Never throws for the file's
    /// sake.</summary>
    /// <param name="path">The file, made where there is none; null for memory only.</param>
    /// <param name="history">The most decisions kept.</param>
    /// <param name="time">The time.</param>
    /// <param name="log">Told what is wrong with the file.</param>
    public static BalancerStore Open(string? path, int history, TimeProvider time, ILogger log) => new(path, history, time, log);

    /// <summary>The last load saved of a model with that checkpoint; null where there is none.</summary>
    public LoadSnapshot? Load(string model, string fingerprint)
    {
        lock (_gate)
        {
            return _loads.GetValueOrDefault((model, fingerprint));
        }
    }

    /// <summary>Saves a load.</summary>
    public void Save(LoadSnapshot load)
    {
        lock (_gate)
        {
            _loads[(load.Model, load.Fingerprint)] = load;
        }

        Queue(file => file.Put(load));
    }

    /// <summary>The last placement saved of a model with that checkpoint, by layer.</summary>
    public IReadOnlyList<LayerPlacement> Placement(string model, string fingerprint)
    {
        lock (_gate)
        {
            return [.. _placements.Where(p => p.Key.Model == model && p.Value.Fingerprint == fingerprint).OrderBy(p => p.Key.Layer)
                .Select(p => p.Value.Placement)];
        }
    }

    /// <summary>Saves a layer's placement.</summary>
    public void Save(string fingerprint, LayerPlacement placement)
    {
        lock (_gate)
        {
            _placements[(placement.Model, placement.Layer)] = (fingerprint, placement);
        }

        Queue(file => file.Put(fingerprint, placement));
    }

    /// <summary>Adds a decision.</summary>
    /// <returns>It with its number.</returns>
    public Decision Add(Decision decision)
    {
        lock (_gate)
        {
            decision = decision with { Id = ++_lastId };
            Keep(decision);
        }

        Queue(file => file.Put(decision, _history));
        return decision;
    }

    /// <summary>Decisions, newest first.</summary>
    /// <param name="most">The most of them.</param>
    /// <param name="kind">Only of this kind.</param>
    /// <param name="subject">Only those whose subject contains this.</param>
    /// <param name="plan">Only of this plan.</param>
    public IReadOnlyList<Decision> Decisions(int most = int.MaxValue, string? kind = null, string? subject = null, string? plan = null)
    {
        lock (_gate)
        {
            return [.. _decisions.Reverse().Where(d => (kind is null || d.Kind == kind) && (plan is null || d.Plan == plan)
                && (subject is null || d.Subject.Contains(subject, StringComparison.OrdinalIgnoreCase))).Take(most)];
        }
    }

    /// <summary>Completes when everything saved before is written.</summary>
    public async Task FlushAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _queue.Writer.WriteAsync(new Entry(null, done)).ConfigureAwait(false);
            await done.Task.ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            await _writing.ConfigureAwait(false);
        }
    }

    /// <summary>Writes what waits and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
        _file?.Dispose();
        _file = null;
    }

    /// <summary>Lets the file not grow, as on a full disk. For tests.</summary>
    internal void Fill() => _file?.LimitPages(1);

    private StoreFile? TryOpen(string path, TimeProvider time)
    {
        try
        {
            return OpenAndRead(path);
        }
        catch (Exception e) when (StoreFile.IsDamage(e) && File.Exists(path))
        {
            var reason = e.Message;
            try
            {
                var aside = Aside(path, time);
                LoadLog.SetAside(_log, path, aside, reason);
                return OpenAndRead(path);
            }
            catch (Exception again) when (IsOfTheFile(again))
            {
                LoadLog.NoStore(_log, path, $"{reason}; {again.Message}");
                return null;
            }
        }
        catch (Exception e) when (IsOfTheFile(e))
        {
            LoadLog.NoStore(_log, path, e.Message);
            return null;
        }
    }

    private static bool IsOfTheFile(Exception error) => error is SqliteException or IOException or UnauthorizedAccessException
        or InvalidDataException or NotSupportedException or ArgumentException or InvalidCastException or InvalidOperationException;

    private static string Aside(string path, TimeProvider time)
    {
        var aside = $"{path}.corrupt-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}";
        File.Move(path, aside, overwrite: true);
        if (File.Exists($"{path}-journal"))
        {
            File.Move($"{path}-journal", $"{aside}-journal", overwrite: true);
        }

        return aside;
    }

    private StoreFile OpenAndRead(string path)
    {
        var file = StoreFile.Open(path);
        try
        {
            var state = file.Read(_history);
            foreach (var load in state.Loads)
            {
                _loads[(load.Model, load.Fingerprint)] = load;
            }

            foreach (var (fingerprint, placement) in state.Placements)
            {
                _placements[(placement.Model, placement.Layer)] = (fingerprint, placement);
            }

            foreach (var decision in state.Decisions)
            {
                Keep(decision);
                _lastId = decision.Id;
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void Keep(Decision decision)
    {
        _decisions.Enqueue(decision);
        while (_decisions.Count > _history)
        {
            _decisions.Dequeue();
        }
    }

    private void Queue(Action<StoreFile> change)
    {
        if (!IsInMemory)
        {
            _queue.Writer.TryWrite(new Entry(change, null));
        }
    }

    private async Task WriteBehindAsync()
    {
        List<Entry> batch = [];
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_queue.Reader.TryRead(out var entry))
            {
                batch.Add(entry);
            }

            Write(batch);
            batch.ForEach(entry => entry.Done?.SetResult());
            batch.Clear();
        }
    }

    private void Write(List<Entry> batch)
    {
        if (IsInMemory || batch.TrueForAll(entry => entry.Change is null))
        {
            return;
        }

        try
        {
            _file!.Write(batch.Select(entry => entry.Change).OfType<Action<StoreFile>>());
        }
        catch (Exception e)
        {
            // A full disk, a directory that is gone: memory has it all.
            IsInMemory = true;
            LoadLog.WriteFailed(_log, Path!, e.Message);
        }
    }

    private readonly record struct Entry(Action<StoreFile>? Change, TaskCompletionSource? Done);
}
