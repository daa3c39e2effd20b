using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Moe;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Cluster.Tests.Routing;

/// <summary>A router on a scripted lane, and a board to publish placements to.</summary>
internal sealed class RouterHarness
{
    public const string Model = "m";
    public const int Layer = 3;
    public const int Hidden = 3;

    private readonly ActorSystem _system;
    private long _epoch;
    private int _value;
    private IActorRef? _router;

    public RouterHarness(ActorSystem system, int experts, RouterOptions? options = null, TimeProvider? time = null)
    {
        _system = system;
        Time = time ?? TimeProvider.System;
        options ??= new RouterOptions { RetryBackoff = TimeSpan.FromMilliseconds(10) };
        Statistics = new RouterStatistics(experts);
        Props = Props.Create(() => new RouterActor(
            Model, Layer, experts, At(0), options, Board, Lane, Statistics, Time, NullLogger.Instance));
    }

    public PlacementBoard Board { get; } = new();

    public ScriptedLane Lane { get; } = new();

    public RouterStatistics Statistics { get; }

    public TimeProvider Time { get; }

    public Props Props { get; }

    public IActorRef Router
    {
        get => _router ??= _system.ActorOf(Props);
        set => _router = value;
    }

    /// <summary>Node 0 is the router's own.</summary>
    public static NodeId At(int index) => new($"akka.tcp://expertcluster@node{index}:1", index);

    public static ReplicaPlacement Ready(int expert, int node, int number = 0) =>
        new(new ReplicaId(Layer, expert, number), At(node), ReplicaState.Ready);

    public void Publish(params ReplicaPlacement[] replicas) => Publish(null, replicas);

    public void Publish(string? problem, params ReplicaPlacement[] replicas) =>
        Board.Publish(new LayerPlacement(Model, Layer, ++_epoch, Statistics.Rows().Length, [.. replicas.OrderBy(r => r.Replica)], problem));

    public RouteWork Send(int topK, params int[] experts) => Send(TimeSpan.FromMinutes(1), topK, experts);

    public RouteWork Send(TimeSpan deadline, int topK, params int[] experts)
    {
        var tokens = experts.Length / topK;
        var rows = Enumerable.Range(0, tokens * Hidden).Select(_ => (float)Interlocked.Increment(ref _value)).ToArray();
        var routing = new RoutingDecision(tokens, topK, experts, Enumerable.Repeat(1f, experts.Length).ToArray());
        var work = new RouteWork(new RoutedRows(tokens, Hidden, rows, routing), "r", Time.GetUtcNow() + deadline);
        Router.Tell(work);
        return work;
    }

    /// <summary>Completes when the router has taken what was sent before.</summary>
    public Task TakenAsync() => Router.Ask<ActorIdentity>(new Identify(null), TimeSpan.FromSeconds(20));

    /// <summary>Whether each slot holds what its expert makes of its token's row.</summary>
    public static bool IsRight(RouteWork work)
    {
        var routing = work.Rows.Routing;
        var rows = work.Rows.Rows.Span;
        var slots = work.Slots.Memory.Span;
        for (var slot = 0; slot < routing.Experts.Length; slot++)
        {
            for (var h = 0; h < Hidden; h++)
            {
                if (slots[(slot * Hidden) + h] != LaneCall.Expert(routing.Experts[slot], rows[(slot / routing.TopK * Hidden) + h]))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
