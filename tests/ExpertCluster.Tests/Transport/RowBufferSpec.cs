using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

public sealed class RowBufferSpec
{
    [Fact]
    public void A_second_dispose_does_not_give_the_same_memory_away_twice()
    {
        var buffer = RowBuffer.Rent(3, 5);
        buffer.Dispose();
        buffer.Dispose();
        using var first = RowBuffer.Rent(3, 5);
        using var second = RowBuffer.Rent(3, 5);
        first.Memory.Span.Fill(1);
        second.Memory.Span.Fill(2);
        first.Memory.ToArray().Should().AllBeEquivalentTo(1f);
    }

    [Fact]
    public void Disposing_from_many_threads_returns_the_memory_once()
    {
        for (var round = 0; round < 200; round++)
        {
            var buffer = RowBuffer.Rent(1, 17);
            Parallel.For(0, 4, _ => buffer.Dispose());
            using var first = RowBuffer.Rent(1, 17);
            using var second = RowBuffer.Rent(1, 17);
            first.Memory.Span[0] = 1;
            second.Memory.Span[0] = 2;
            Assert.Equal(1, first.Memory.Span[0]);
        }
    }

    [Fact]
    public void Memory_that_went_back_can_not_be_read()
    {
        var buffer = RowBuffer.Rent(1, 1);
        buffer.Dispose();
        FluentActions.Invoking(() => buffer.Memory).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void The_memory_is_as_long_as_asked_for() => RowBuffer.Rent(7, 9).Memory.Length.Should().Be(63);

    [Fact]
    public void More_values_than_an_array_holds_are_refused() =>
        FluentActions.Invoking(() => RowBuffer.Rent(1 << 16, 1 << 16)).Should().Throw<OverflowException>();
}
