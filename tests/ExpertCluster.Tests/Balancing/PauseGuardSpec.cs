using ExpertCluster.Cluster.Balancing;
using Microsoft.Extensions.Time.Testing;

namespace ExpertCluster.Tests.Balancing;

public sealed class PauseGuardSpec
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_process_that_runs_is_never_in_doubt()
    {
        var guard = new PauseGuard(_time);
        for (var i = 0; i < 1000; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(2.9));
            guard.IsInDoubt.Should().BeFalse();
            guard.Beat();
        }
    }

    [Fact]
    public void A_process_that_stood_still_waits_before_it_writes_again()
    {
        var guard = new PauseGuard(_time);
        _time.Advance(TimeSpan.FromSeconds(30));
        guard.IsInDoubt.Should().BeTrue("a message may come before the first beat");
        for (var i = 0; i < 79; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            guard.Beat();
            guard.IsInDoubt.Should().BeTrue();
        }

        _time.Advance(TimeSpan.FromMilliseconds(200));
        guard.IsInDoubt.Should().BeFalse();
    }
}
