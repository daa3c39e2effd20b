using Akka.Actor;
using Akka.Cluster;
using ExpertCluster.Tensors;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>
/// Shares the cores of a machine out among the nodes that run on it, as membership shows them: nodes with all cores each would fight for
/// them, and OpenMP's threads wait for each other by spinning. For nodes whose number of threads nobody has set.
/// </summary>
internal sealed class ThreadShare : ReceiveActor
{
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly HashSet<Address> _here = [];
    private readonly int _cores;
    private readonly DeviceExecutor _executor;
    private readonly Action<int> _changed;
    private readonly ILogger _log;

    /// <summary>Begins to share.</summary>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="executor">Gets this node's share.</param>
    /// <param name="changed">Told each new share.</param>
    /// <param name="log">Where changes are told.</param>
    public ThreadShare(int cores, DeviceExecutor executor, Action<int> changed, ILogger log)
    {
        (_cores, _executor, _changed, _log) = (cores, executor, changed, log);
        Receive<ClusterEvent.MemberRemoved>(e => Count(e.Member, here: false));
        Receive<ClusterEvent.IMemberEvent>(e => Count(e.Member, here: true));
    }

    /// <summary>The share of one of several nodes, at least one thread.</summary>
    public static int Of(int cores, int nodes) => Math.Max(1, cores / Math.Max(1, nodes));

    protected override void PreStart() => _cluster.Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private void Count(Member member, bool here)
    {
        if (member.Address.Host != _cluster.SelfAddress.Host || !(here ? _here.Add(member.Address) : _here.Remove(member.Address)))
        {
            return;
        }

        var share = Of(_cores, _here.Count);
        if (share != _executor.Threads)
        {
            HostingLog.ThreadsShared(_log, share, _cores, _here.Count, _cluster.SelfAddress.Host!);
            _executor.SetThreads(share);
            _changed(share);
        }
    }
}
