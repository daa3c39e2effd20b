using CsCheck;
using ExpertCluster.Tensors;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Tests.Tensors;

public sealed class BFloat16RowsSpec
{
    public BFloat16RowsSpec() => LibTorch.Load();

    /// <summary>Any 32 bits: denormals, infinities and values that round up to infinity included.</summary>
    [Fact]
    public void Rounds_and_widens_as_torch_does() => Gen.UInt.Array[0, 100].Sample(
        bits =>
        {
            float[] values = [.. bits.Select(BitConverter.UInt32BitsToSingle)];
            var narrowed = new ushort[values.Length];
            BFloat16Rows.Narrow(values, narrowed);
            var widened = new float[values.Length];
            BFloat16Rows.Widen(narrowed, widened);
            float[] expected = Torch(values);
            return Enumerable.Range(0, values.Length).All(i => float.IsNaN(values[i])
                ? float.IsNaN(widened[i]) && float.IsNegative(widened[i]) == float.IsNegative(values[i])
                : BitConverter.SingleToUInt32Bits(widened[i]) == BitConverter.SingleToUInt32Bits(expected[i]));
        },
        threads: 1);

    [Fact]
    public void A_tie_goes_to_the_even_neighbour()
    {
        float[] ties = [BitConverter.UInt32BitsToSingle(0x3F80_8000), BitConverter.UInt32BitsToSingle(0x3F81_8000), float.MaxValue];
        var narrowed = new ushort[3];
        BFloat16Rows.Narrow(ties, narrowed);
        narrowed.Should().Equal(0x3F80, 0x3F82, 0x7F80);
    }

    [Fact]
    public void Too_little_room_is_refused()
    {
        FluentActions.Invoking(() => BFloat16Rows.Narrow(new float[3], new ushort[2])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => BFloat16Rows.Widen(new ushort[3], new float[2])).Should().Throw<ArgumentException>();
    }

    private static float[] Torch(float[] values)
    {
        if (values.Length == 0)
        {
            return [];
        }

        using Tensor source = tensor(values);
        using Tensor narrowed = source.to(ScalarType.BFloat16);
        using Tensor widened = narrowed.to(ScalarType.Float32);
        return widened.data<float>().ToArray();
    }
}
