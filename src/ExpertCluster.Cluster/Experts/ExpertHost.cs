using System.Collections.Concurrent;
using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Experts;

/// <summary>
/// What the experts of a node share: device, memory budget, turns at reading – and the register through which the lane finds them.
/// </summary>
public sealed class ExpertHost : IDispatchHandler, IDisposable
{
    private readonly ConcurrentDictionary<(string Model, ReplicaId Replica), IActorRef> _experts = new();
    private readonly DeviceQueue _queue;
    private readonly ConcurrentDictionary<(string Model, int Layer), ExpertSlabs> _slabs = new();
    private readonly TimeProvider _time;
    private readonly long _started;

    /// <summary>A host whose experts compute on one executor and read their tensors on another, so that loading does not stop answers.</summary>
    public ExpertHost(
        NodeId node, ExpertHostOptions options, DeviceExecutor executor, DeviceExecutor loader, TimeProvider time, ILogger<ExpertHost> log)
    {
        Node = node;
        Options = options;
        Executor = executor;
        Loader = loader;
        Memory = new MemoryBudget(options.MemoryBytes);
        LoadTurns = new SemaphoreSlim(options.ConcurrentLoads);
        _time = time;
        _started = time.GetTimestamp();
        _queue = new DeviceQueue(executor, options, () => Clock, log, Work);
    }

    /// <summary>This node.</summary>
    public NodeId Node { get; }

    /// <summary>The options in force.</summary>
    public ExpertHostOptions Options { get; }

    /// <summary>Where experts compute.</summary>
    public DeviceExecutor Executor { get; }

    /// <summary>Where experts read and convert their tensors.</summary>
    public DeviceExecutor Loader { get; }

    /// <summary>How many experts of a model's layer the placement gives this node; null where nobody knows.</summary>
    public Func<string, int, int>? ExpectedExperts { get; init; }

    /// <summary>Room for weights.</summary>
    public MemoryBudget Memory { get; }

    /// <summary>What its replicas did.</summary>
    internal WorkLedger Work { get; } = new();

    /// <summary>Turns at reading a checkpoint.</summary>
    public SemaphoreSlim LoadTurns { get; }

    /// <summary>Frames that wait for the device.</summary>
    public int Queued => _queue.Count;

    /// <summary>Replicas that answer here now.</summary>
    public int Count => _experts.Count;

    /// <summary>Monotonic time since the host began; deadlines of segments are points of it.</summary>
    public TimeSpan Clock => _time.GetElapsedTime(_started);

    /// <summary>From now on segments for this replica go to that actor.</summary>
    public void Register(string model, ReplicaId replica, IActorRef expert) => _experts[(model, replica)] = expert;

    /// <summary>From now on segments for this replica are answered "not here".</summary>
    public void Unregister(string model, ReplicaId replica) => _experts.TryRemove((model, replica), out _);

    /// <summary>Replicas of a model that answer here now.</summary>
    public int CountOf(string model) => _experts.Keys.Count(key => key.Model == model);

    /// <summary>Bytes an expert of a model takes here.</summary>
    public long ExpertBytes(HostedModel model) => model.Checkpoint.ExpertBytesAs(Options.TypeOf(model.Checkpoint));

    /// <summary>Moves an expert's weights to those of its layer's other experts, where one product can then take them all.</summary>
    public IExpertNetwork Pack(string model, int layer, IExpertNetwork network) =>
        _slabs.GetOrAdd((model, layer), _ => new ExpertSlabs()).Pack(network, ExpectedExperts?.Invoke(model, layer) ?? 1);

    /// <inheritdoc/>
    public Task<DispatchResult> HandleAsync(DispatchFrame frame)
    {
        var work = new FrameWork(frame, Clock + frame.Remaining, _queue.Add);
        foreach (var segment in work.Segments)
        {
            if (_experts.TryGetValue((frame.Model, segment.Replica), out var expert))
            {
                expert.Tell(segment);
            }
            else
            {
                segment.Refuse(new SegmentResult(SegmentStatus.NotHere, 0));
            }
        }

        return work.Completion;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue.Dispose();
        LoadTurns.Dispose();
    }
}
