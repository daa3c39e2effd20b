using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class ActorCrashesSpec
{
    private const string Begin = "10:48:04.210 fail: Akka.Actor.ActorSystem[0] [ERROR][11/25/2026 10:48:04.206Z][Thread 0005]";

    [Fact]
    public void An_actor_that_threw_is_counted_and_a_connection_that_broke_is_not()
    {
        var crashes = new ActorCrashes();
        crashes.Read("a", $"{Begin}[akka://expertcluster/system/sharding/m-L02Coordinator/singleton/coordinator] Value cannot be null. Cause: "
            + "System.ArgumentNullException: Value cannot be null. (Parameter 'key')    at System.Collections.Immutable");
        crashes.Read("a", $"{Begin}[akka://expertcluster/user/balancer-manager/balancer] No. Cause: System.NotImplementedException: No.");
        crashes.Read("a", $"{Begin}[akka://expertcluster/system/endpointManager/writer] Disassociated Cause: Akka.Remote.EndpointDisassociatedException: Disassociated    at A");
        crashes.Read("a", "info: BalancerActor[4002] m: 3 replicas assigned to 3 nodes");
        crashes.Count.Should().Be(2);
        crashes.All.Should().Contain(
            "1 × a system/sharding/m-L02Coordinator/singleton/coordinator: System.ArgumentNullException: Value cannot be null. (Parameter 'key')");
    }
}
