using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Load;

/// <summary>
/// The balancer's book of load, and what it remembers. The balancer begins it at its start, hands it every message that <see cref="Receive"/> takes, and
/// calls <see cref="Save(IActorRef, UniqueAddress)"/> at times; it is the balancer's alone.
/// </summary>
public sealed class LoadKeeper
{
    private readonly IReadOnlyList<LoadModel> _models;
    private readonly LoadOptions _options;
    private readonly Func<BalancerStore> _open;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Dictionary<string, IReadOnlyList<LayerPlacement>> _former = [];
    private readonly List<Action<BalancerStore>> _waiting = [];
    private long _saved;
    private long _savedAt;

    /// <summary>An empty book.</summary>
    /// <param name="models">The models there are.</param>
    /// <param name="options">How load is measured.</param>
    /// <param name="open">Opens the node's store, which may take a while; the same one at every call.</param>
    /// <param name="time">The time.</param>
    /// <param name="log">Told what was restored.</param>
    public LoadKeeper(IReadOnlyList<LoadModel> models, LoadOptions options, Func<BalancerStore> open, TimeProvider time, ILogger log)
    {
        (_models, _options, _open, _time, _log) = (models, options, open, time, log);
        Book = new LoadBook(models, options, time);
        _savedAt = time.GetTimestamp();
    }

    /// <summary>What is known.</summary>
    public LoadBook Book { get; }

    /// <summary>The store; null until it is open, moments after <see cref="Begin"/>.</summary>
    public BalancerStore? Store { get; private set; }

    /// <summary>Opens the store beside, and asks for what the last balancer published. Answers come to the balancer as messages.</summary>
    public void Begin(IActorRef replicator, IActorRef balancer)
    {
        Task.Run(_open).PipeTo(balancer, success: store => new StoreOpened(store), failure: e => new Status.Failure(e));
        foreach (var key in _models.SelectMany(LoadKeys.Of))
        {
            replicator.Tell(Dsl.Get(key, ReadLocal.Instance), balancer);
        }
    }

    /// <summary>Takes a message if it is about load.</summary>
    /// <returns>Whether it was.</returns>
    public bool Receive(object message)
    {
        switch (message)
        {
            case LoadReport report:
                Book.Merge(report);
                return true;
            case StoreOpened opened:
                Open(opened.Store);

                return true;
            case IGetResponse response:
                if (response is GetSuccess { Data: LWWRegister<LoadSnapshot> load })
                {
                    Restore(load.Value);
                }

                return true;
            default:
                return false;
        }
    }

    /// <summary>Saves and publishes what is known, if the interval is over and something is new.</summary>
    public void Save(IActorRef replicator, UniqueAddress node)
    {
        if (Book.Version == _saved || _time.GetElapsedTime(_savedAt) < _options.SnapshotInterval)
        {
            return;
        }

        (_saved, _savedAt) = (Book.Version, _time.GetTimestamp());
        foreach (var model in _models)
        {
            var load = Book.Snapshot(model.Name);
            if (load.Layers.IsEmpty)
            {
                continue;
            }

            Store?.Save(load);
            foreach (var (key, part) in LoadKeys.Split(model, load))
            {
                replicator.Tell(Dsl.Update(
                    key, new LWWRegister<LoadSnapshot>(node, part, Clock), WriteLocal.Instance, register => register.WithValue(node, part, Clock)));
            }
        }
    }

    /// <summary>Saves a layer's placement, once the store is open.</summary>
    public void Save(string fingerprint, LayerPlacement placement) => WithStore(store => store.Save(fingerprint, placement));

    /// <summary>Adds a decision to the history, once the store is open.</summary>
    public void Add(Decision decision) => WithStore(store => store.Add(decision));

    /// <summary>A model's placement as it was saved last before this balancer began; empty where there was none, or the store is not open yet.</summary>
    public IReadOnlyList<LayerPlacement> FormerPlacement(string model) => _former.GetValueOrDefault(model) ?? [];

    /// <summary>The newest load wins.</summary>
    private static long Clock(long timestamp, LoadSnapshot load) => Math.Max(load.At.ToUnixTimeMilliseconds(), timestamp + 1);

    private void Open(BalancerStore store)
    {
        foreach (var model in _models)
        {
            _former[model.Name] = store.Placement(model.Name, model.Fingerprint);
            Restore(store.Load(model.Name, model.Fingerprint));
        }

        Store = store;
        _waiting.ForEach(write => write(store));
        _waiting.Clear();
    }

    private void WithStore(Action<BalancerStore> write)
    {
        if (Store is { } store)
        {
            write(store);
        }
        else
        {
            _waiting.Add(write);
        }
    }

    private void Restore(LoadSnapshot? load)
    {
        if (load is not null && Book.Restore(load) is > 0 and var layers)
        {
            LoadLog.Restored(_log, load.Model, layers, load.At);
        }
    }

    private sealed record StoreOpened(BalancerStore Store) : INoSerializationVerificationNeeded;
}
