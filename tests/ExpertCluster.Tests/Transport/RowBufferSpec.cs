using ExpertCluster.Contracts;
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
    public unsafe void Rows_of_bfloat16_lie_in_half_the_bytes_and_are_not_taken_for_float32()
    {
        using var rows = RowBuffer.Rent(3, 5, RowType.BFloat16);
        (rows.Type, rows.Length, rows.Bytes.Count, rows.Halves.Length).Should().Be((RowType.BFloat16, 15, 30, 15));
        rows.Halves.Span.Fill(0x3F80);
        rows.Bytes.AsSpan()[^2..].ToArray().Should().Equal(0x80, 0x3F);
        using (var pin = rows.Halves[1..].Pin())
        {
            (*(ushort*)pin.Pointer).Should().Be(0x3F80);
        }

        FluentActions.Invoking(() => rows.Memory).Should().Throw<InvalidOperationException>().WithMessage("*BFloat16*Halves*");
        using var moved = rows.Move();
        moved.Type.Should().Be(RowType.BFloat16);
        using var floats = RowBuffer.Rent(1, 1);
        FluentActions.Invoking(() => floats.Halves).Should().Throw<InvalidOperationException>().WithMessage("*Float32*Memory*");
    }

    [Fact]
    public void The_memory_is_as_long_as_asked_for() => RowBuffer.Rent(7, 9).Memory.Length.Should().Be(63);

    [Fact]
    public void More_values_than_an_array_holds_are_refused() =>
        FluentActions.Invoking(() => RowBuffer.Rent(1 << 16, 1 << 16)).Should().Throw<OverflowException>();
}
