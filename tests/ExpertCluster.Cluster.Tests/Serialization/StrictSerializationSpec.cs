using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using ExpertCluster.Cluster.Serialization;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Tests.Serialization;

public sealed class StrictSerializationSpec
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_of_a_registered_type_reaches_another_node_and_one_of_another_type_does_not()
    {
        var sender = TestSystem.Start();
        var receiver = TestSystem.Start();
        try
        {
            await OnlyRegisteredArriveAsync(sender, receiver);
        }
        finally
        {
            await Task.WhenAll(sender.Terminate(), receiver.Terminate());
        }
    }

    [Fact]
    public async Task A_sender_that_is_not_strict_gets_nothing_through_either()
    {
        var sender = TestSystem.Start("""
            akka.actor.serialization-settings.allow-unregistered-types = on
            akka.actor.serializers.json = "Akka.Serialization.NewtonSoftJsonSerializer, Akka"
            """);
        var receiver = TestSystem.Start();
        try
        {
            await OnlyRegisteredArriveAsync(sender, receiver);
        }
        finally
        {
            await Task.WhenAll(sender.Terminate(), receiver.Terminate());
        }
    }

    [Fact]
    public async Task Each_registered_type_is_written_by_our_serializer()
    {
        var system = TestSystem.Start();
        try
        {
            foreach (var type in MessageCodec.Types)
            {
                system.Serialization.FindSerializerForType(type).Should().BeOfType<ExpertMessageSerializer>();
            }
        }
        finally
        {
            await system.Terminate();
        }
    }

    [Fact]
    public async Task Malformed_bytes_are_a_serialization_error_and_nothing_else()
    {
        var system = TestSystem.Start();
        try
        {
            var serializer = new ExpertMessageSerializer((ExtendedActorSystem)system);
            serializer.Identifier.Should().BeGreaterThan(40);
            serializer.Invoking(s => s.FromBinary([0x93], "S")).Should().Throw<SerializationException>();
            serializer.Invoking(s => s.FromBinary([0x90], "nothing")).Should().Throw<SerializationException>();
        }
        finally
        {
            await system.Terminate();
        }
    }

    private static async Task OnlyRegisteredArriveAsync(ActorSystem sender, ActorSystem receiver)
    {
        var received = new ConcurrentQueue<object>();
        var last = new TaskCompletionSource();
        receiver.ActorOf(Props.Create(() => new Collector(received, last)), "collector");
        var address = Akka.Cluster.Cluster.Get(receiver).SelfAddress;
        var remote = ((ExtendedActorSystem)sender).Provider.ResolveActorRef($"{address}/user/collector");
        var node = new NodeId("a", 1);
        var first = new StartReplica("m", new ReplicaId(0, 0, 0), node);
        var second = new StopReplica();
        remote.Tell(first);
        remote.Tell(new Stranger("in disguise"));
        remote.Tell(new List<int> { 1, 2 });
        remote.Tell(second);
        await last.Task.WaitAsync(Patience, Test);
        received.Should().Equal(first, second);
    }

    /// <summary>A type no binding names.</summary>
    public sealed record Stranger(string Text);

    private sealed class Collector : ReceiveActor
    {
        public Collector(ConcurrentQueue<object> received, TaskCompletionSource last) => ReceiveAny(message =>
        {
            received.Enqueue(message);
            if (message is StopReplica)
            {
                last.TrySetResult();
            }
        });
    }
}
