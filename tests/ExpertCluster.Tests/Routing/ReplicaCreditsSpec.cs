using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Routing;

public sealed class ReplicaCreditsSpec
{
    private static readonly ReplicaId Replica = new(0, 1, 2);
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private readonly ReplicaCredits _credits = new(10);

    [Fact]
    public void A_replica_never_heard_of_has_the_initial_credits() => _credits.Free(Replica, Now).Should().Be(10);

    [Fact]
    public void Rows_in_flight_use_credits_up()
    {
        _credits.Send(Replica, 7);
        _credits.Free(Replica, Now).Should().Be(3);
        _credits.Send(Replica, 3);
        _credits.Free(Replica, Now).Should().Be(0);
        _credits.Free(Replica with { Number = 3 }, Now).Should().Be(10);
    }

    [Fact]
    public void An_answer_frees_its_rows_and_sets_what_is_granted()
    {
        _credits.Send(Replica, 7);
        _credits.Send(Replica, 2);
        _credits.Answer(Replica, 7, 5);
        _credits.Free(Replica, Now).Should().Be(3);
        _credits.Answer(Replica, 2, 1);
        _credits.Free(Replica, Now).Should().Be(1);
    }

    [Fact]
    public void Fewer_credits_than_rows_in_flight_are_no_room_at_all()
    {
        _credits.Send(Replica, 7);
        _credits.Send(Replica, 3);
        _credits.Answer(Replica, 3, 2);
        _credits.Free(Replica, Now).Should().Be(0);
    }

    [Fact]
    public void A_replica_that_holds_nothing_of_ours_takes_a_row_even_if_it_granted_none()
    {
        _credits.Send(Replica, 1);
        _credits.Answer(Replica, 1, 0);
        _credits.Free(Replica, Now).Should().Be(1);
    }

    [Fact]
    public void An_avoided_replica_gets_nothing_until_its_time_is_over()
    {
        _credits.Send(Replica, 4);
        _credits.Avoid(Replica, 4, Now + TimeSpan.FromSeconds(1));
        _credits.Free(Replica, Now).Should().Be(0);
        _credits.Free(Replica, Now + TimeSpan.FromSeconds(0.999)).Should().Be(0);
        _credits.Free(Replica, Now + TimeSpan.FromSeconds(1)).Should().Be(10);
    }

    [Fact]
    public void A_replica_that_is_gone_is_forgotten_once_nothing_of_it_is_in_flight()
    {
        _credits.Send(Replica, 4);
        _credits.Keep(new HashSet<ReplicaId>());
        _credits.Free(Replica, Now).Should().Be(6);
        _credits.Answer(Replica, 4, 3);
        _credits.Free(Replica, Now).Should().Be(3);
        _credits.Keep(new HashSet<ReplicaId> { Replica });
        _credits.Free(Replica, Now).Should().Be(3);
        _credits.Keep(new HashSet<ReplicaId>());
        _credits.Free(Replica, Now).Should().Be(10);
    }
}
