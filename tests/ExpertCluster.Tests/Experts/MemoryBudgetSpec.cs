using CsCheck;
using ExpertCluster.Cluster.Experts;

namespace ExpertCluster.Tests.Experts;

public sealed class MemoryBudgetSpec
{
    [Fact]
    public void What_is_reserved_never_exceeds_the_limit_and_a_refusal_costs_nothing() =>
        Gen.Select(Gen.Long[1, 100], Gen.Long[-60, 120].Array[0, 40]).Sample((limit, steps) =>
        {
            var budget = new MemoryBudget(limit);
            long used = 0;
            foreach (var step in steps)
            {
                if (step < 0)
                {
                    var back = Math.Min(-step, used);
                    budget.Release(back);
                    used -= back;
                }
                else
                {
                    Assert.Equal(used + step <= limit, budget.TryReserve(step));
                    used += used + step <= limit ? step : 0;
                }

                Assert.Equal(used, budget.Used);
            }
        });

    [Fact]
    public void Concurrent_reservations_stay_within_the_limit_and_all_come_back() =>
        Gen.Select(Gen.Long[1, 50], Gen.Long[0, 30].Array[1, 6]).Sample(
            (limit, sizes) =>
            {
                var budget = new MemoryBudget(limit);
                long held = 0;
                long most = 0;
                Parallel.For(0, 4, worker =>
                {
                    for (var i = 0; i < 50; i++)
                    {
                        var bytes = sizes[(worker + i) % sizes.Length];
                        if (budget.TryReserve(bytes))
                        {
                            var now = Interlocked.Add(ref held, bytes);
                            for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
                            {
                                Interlocked.CompareExchange(ref most, now, seen);
                            }

                            Interlocked.Add(ref held, -bytes);
                            budget.Release(bytes);
                        }
                    }
                });
                Assert.True(most <= limit);
                Assert.Equal(0, budget.Used);
            },
            iter: 50,
            threads: 1);

    [Fact]
    public void Sizes_near_the_largest_number_do_not_overflow()
    {
        var budget = new MemoryBudget(long.MaxValue);
        budget.TryReserve(long.MaxValue - 1).Should().BeTrue();
        budget.TryReserve(long.MaxValue).Should().BeFalse();
        budget.TryReserve(1).Should().BeTrue();
        budget.TryReserve(1).Should().BeFalse();
    }

    [Fact]
    public void Giving_back_more_than_was_taken_is_an_error_and_changes_nothing()
    {
        var budget = new MemoryBudget(10);
        budget.TryReserve(4).Should().BeTrue();
        budget.Invoking(b => b.Release(5)).Should().Throw<InvalidOperationException>().WithMessage("*5 bytes*");
        budget.Used.Should().Be(4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_budget_of_nothing_is_refused(long limit) =>
        FluentActions.Invoking(() => new MemoryBudget(limit)).Should().Throw<ArgumentOutOfRangeException>();

    [Fact]
    public void Negative_sizes_are_refused()
    {
        var budget = new MemoryBudget(1);
        budget.Invoking(b => b.TryReserve(-1)).Should().Throw<ArgumentOutOfRangeException>();
        budget.Invoking(b => b.Release(-1)).Should().Throw<ArgumentOutOfRangeException>();
    }
}
