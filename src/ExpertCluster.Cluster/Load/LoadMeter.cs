using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Experts;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>Makes reports of what a node counted. Nothing of its warm-up is in them.</summary>
internal sealed class LoadMeter
{
    private readonly NodeId _self;
    private readonly LoadOptions _options;
    private readonly IReadOnlyList<string> _models;
    private readonly Dictionary<string, List<DemandCounter>> _demand;
    private readonly ExpertHost? _host;
    private readonly TimeProvider _time;
    private readonly long _started;
    private long _looked;
    private TimeSpan _busy;
    private DeviceLoad? _told;

    /// <summary>Begins to count.</summary>
    /// <param name="self">This node.</param>
    /// <param name="models">All models it knows.</param>
    /// <param name="routed">Those it has routers for.</param>
    /// <param name="host">Its experts; null where it has none.</param>
    /// <param name="options">How load is measured.</param>
    /// <param name="time">The time.</param>
    public LoadMeter(
        NodeId self, IReadOnlyList<string> models, IEnumerable<RoutedModel> routed, ExpertHost? host, LoadOptions options, TimeProvider time)
    {
        (_self, _models, _host, _options, _time) = (self, models, host, options, time);
        _demand = routed.ToDictionary(m => m.Model, m => m.Layers.OrderBy(l => l.Key).Select(l => new DemandCounter(l.Key, l.Value)).ToList());
        _started = _looked = time.GetTimestamp();
    }

    /// <summary>Reports of everything since the last call, each small enough for a control message; none where nothing changed.</summary>
    public IReadOnlyList<LoadReport> Collect()
    {
        var demand = _demand.ToDictionary(m => m.Key, m => Taken(m.Value));
        var work = (_host?.Work.Take() ?? []).ToLookup(w => w.Model, w => w.Work);
        var batches = _host?.Work.TakeBatches();
        var device = Device();
        if (_time.GetElapsedTime(_started) < _options.WarmUp)
        {
            return [];
        }

        List<LoadReport> reports = [];
        foreach (var model in _models)
        {
            reports.AddRange(LoadReportCutter.Cut(
                new LoadReport(_self, model, device, [.. demand.GetValueOrDefault(model) ?? []], [.. work[model]])
                {
                    Batches = [.. batches?[model] ?? []],
                }));
        }

        if (reports.Count == 0 && device != _told && _models.Count > 0)
        {
            reports.Add(new LoadReport(_self, _models[0], device, [], []));
        }

        _told = reports.Count > 0 ? device : _told;
        return reports;
    }

    private static List<ExpertDemand> Taken(List<DemandCounter> layers)
    {
        List<ExpertDemand> taken = [];
        foreach (var layer in layers.Where(layer => layer.Take()))
        {
            for (var expert = 0; expert < layer.Prefill.Length; expert++)
            {
                if (layer.Prefill[expert] != 0 || layer.Decode[expert] != 0)
                {
                    taken.Add(new ExpertDemand(layer.Layer, expert, layer.Prefill[expert], layer.Decode[expert]));
                }
            }
        }

        return taken;
    }

    private DeviceLoad? Device()
    {
        if (_host is null)
        {
            return null;
        }

        var (elapsed, busy) = (_time.GetElapsedTime(_looked), _host.Work.Busy);
        var share = elapsed > TimeSpan.Zero ? Math.Clamp((busy - _busy) / elapsed, 0, 1) : 0;
        (_looked, _busy) = (_time.GetTimestamp(), busy);
        return new DeviceLoad(_host.Queued, Math.Round(share, 3), _host.Memory.Limit - _host.Memory.Used);
    }
}
