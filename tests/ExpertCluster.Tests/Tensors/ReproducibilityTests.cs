using System.Runtime.InteropServices;
using ExpertCluster.Tensors;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Tests.Tensors;

public sealed class ReproducibilityTests
{
    /// <summary>Buffers lie wherever an allocator or a mapped file put them; an answer must not know.</summary>
    [Theory]
    [InlineData(1, 64, 96)]
    [InlineData(7, 64, 96)]
    [InlineData(16, 128, 8)]
    [InlineData(24, 128, 448)]
    public unsafe void A_product_does_not_depend_on_where_its_operands_lie(int rows, int inner, int columns)
    {
        LibTorch.Load();
        using var scope = torch.NewDisposeScope();
        var first = Product(rows, inner, columns, 0, 0);
        for (int shift = 1; shift < 16; shift++)
        {
            Product(rows, inner, columns, shift, 0).Should().Equal(first, "the rows moved by {0} floats", shift);
            Product(rows, inner, columns, 0, shift).Should().Equal(first, "the weights moved by {0} floats", shift);
        }
    }

    private static unsafe float[] Product(int rows, int inner, int columns, int shiftRows, int shiftWeights)
    {
        const nuint line = 64;
        void* left = NativeMemory.AlignedAlloc((nuint)((rows * inner) + 16) * sizeof(float), line);
        void* right = NativeMemory.AlignedAlloc((nuint)((columns * inner) + 16) * sizeof(float), line);
        try
        {
            using Tensor x = Fill((float*)left + shiftRows, rows, inner, seed: 1);
            using Tensor w = Fill((float*)right + shiftWeights, columns, inner, seed: 2);
            using Tensor y = torch.nn.functional.linear(x, w);
            var result = new float[rows * columns];
            TensorMemory.CopyTo(y, result);
            return result;
        }
        finally
        {
            NativeMemory.AlignedFree(left);
            NativeMemory.AlignedFree(right);
        }
    }

    private static unsafe Tensor Fill(float* target, int rows, int columns, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < rows * columns; i++)
        {
            target[i] = (random.NextSingle() * 2) - 1;
        }

        return TensorMemory.Wrap(target, torch.ScalarType.Float32, rows, columns);
    }
}
