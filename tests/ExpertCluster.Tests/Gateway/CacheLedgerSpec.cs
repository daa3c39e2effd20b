using CsCheck;
using ExpertCluster.Cluster.Gateway;

namespace ExpertCluster.Tests.Gateway;

public sealed class CacheLedgerSpec
{
    [Fact]
    public void What_the_younger_hold_always_leaves_room_for_the_older_to_end()
    {
        var ledger = new CacheLedger(100);
        var (old, young, late) = (Call(), Call(), Call());
        ledger.TryJoin(old, 10, 60).Should().BeTrue();
        ledger.TryJoin(young, 30, 90).Should().BeTrue();
        ledger.TryHold(young, 40).Should().BeTrue("60 and 40 are 100");
        ledger.TryHold(young, 41).Should().BeFalse();
        ledger.TryJoin(late, 1, 2).Should().BeFalse();
        ledger.TryHold(old, 60).Should().BeTrue();
        ledger.Held.Should().Be(100);
        ledger.Leave(old);
        ledger.TryJoin(late, 10, 20).Should().BeTrue();
        ledger.TryHold(young, 90).Should().BeTrue();
        ledger.TryHold(late, 11).Should().BeFalse();
        ledger.Leave(young);
        ledger.TryHold(late, 20).Should().BeTrue();
    }

    [Fact]
    public void What_was_granted_is_not_taken_back_and_what_could_never_fit_does_not_join()
    {
        var ledger = new CacheLedger(100);
        var call = Call();
        ledger.TryJoin(call, 10, 101).Should().BeFalse();
        ledger.TryJoin(call, 50, 100).Should().BeTrue();
        ledger.TryHold(call, 20).Should().BeTrue();
        ledger.Held.Should().Be(50);
    }

    [Fact]
    public void In_whatever_order_sequences_grow_the_oldest_is_never_refused_and_all_end() =>
        Gen.Select(Gen.Select(Gen.Int[0, 30], Gen.Int[1, 70]).Array[1, 12], Gen.Int[0, 1000].Array[1, 30]).Sample((sequences, order) =>
        {
            const int Budget = 100;
            var ledger = new CacheLedger(Budget);
            var waiting = new Queue<(int First, int Most)>(sequences.Select(s => (s.Item1, s.Item1 + s.Item2)));
            List<(GatewayCall Call, int Held, int Most)> active = [];
            for (var turn = 0; active.Count + waiting.Count > 0; turn++)
            {
                Assert.True(turn < 100_000, "it ends");
                while (waiting.TryPeek(out var next))
                {
                    var call = Call();
                    if (!ledger.TryJoin(call, next.First, next.Most))
                    {
                        Assert.NotEmpty(active);
                        break;
                    }

                    active.Add((call, next.First, next.Most));
                    waiting.Dequeue();
                }

                // Some of them in a random order, and the oldest.
                foreach (var i in order.Select(n => (n + turn) % active.Count).Distinct().Append(0).ToArray())
                {
                    var (call, held, most) = active[i];
                    if (held < most && ledger.TryHold(call, held + 1))
                    {
                        active[i] = (call, held + 1, most);
                    }
                    else
                    {
                        Assert.True(i > 0 || held == most, "the oldest is refused nothing");
                    }
                }

                Assert.Equal(active.Sum(a => a.Held), ledger.Held);
                Assert.True(ledger.Held <= Budget);
                foreach (var ended in active.Where(a => a.Held == a.Most).ToArray())
                {
                    ledger.Leave(ended.Call);
                    active.Remove(ended);
                }
            }

            Assert.Equal(0, ledger.Held);
        });

    private static ScriptedCall Call() => new("", 1, 1);
}
