using ExpertCluster.Cluster.Configuration;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Load;

/// <summary>
/// Records what this node's routers were asked for, on a timer and off the way that rows go. A write that fails is told once and ends the recording.
/// </summary>
internal sealed class TraceRecorder : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<TraceFile> _files;
    private readonly LoadOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private ITimer? _timer;
    private long _started;
    private bool _isOver;

    private TraceRecorder(List<TraceFile> files, LoadOptions options, TimeProvider time, ILogger log) =>
        (_files, _options, _time, _log) = (files, options, time, log);

    /// <summary>Makes the files; null where nothing is to be recorded.</summary>
    /// <exception cref="InvalidDataException">A file can not be made; the message names it.</exception>
    public static TraceRecorder? Open(LoadOptions options, IReadOnlyList<TracedModel> models, TimeProvider time, ILogger log)
    {
        if (options.RecordPath is not { } path)
        {
            return null;
        }

        List<TraceFile> files = [];
        try
        {
            foreach (var model in models)
            {
                files.Add(new TraceFile(TraceFile.PathOf(path, model.Name, models.Count), model));
            }

            return new TraceRecorder(files, options, time, log);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Begins to record.</summary>
    public void Start(IEnumerable<RoutedModel> routed)
    {
        var models = routed.ToDictionary(m => m.Model);
        lock (_gate)
        {
            foreach (var file in _files)
            {
                file.Watch(models[file.Model]);
            }

            _started = _time.GetTimestamp();
            _timer ??= _time.CreateTimer(_ => Record(), null, _options.RecordInterval, _options.RecordInterval);
        }
    }

    /// <summary>Writes what came since, and closes the files.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        Record();
        lock (_gate)
        {
            _isOver = true;
            _files.ForEach(file => file.Dispose());
        }
    }

    private void Record()
    {
        lock (_gate)
        {
            foreach (var file in _isOver || _timer is null ? [] : _files)
            {
                try
                {
                    file.Record(_time.GetElapsedTime(_started));
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
                {
                    _isOver = true;
                    LoadLog.RecordingEnded(_log, file.Path, e.Message);
                    break;
                }
            }
        }
    }
}
