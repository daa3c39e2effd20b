using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Routing;

internal static class TensorValues
{
    /// <summary>The elements in row-major order; TorchSharp's own accessor refuses an empty tensor.</summary>
    public static T[] Values<T>(this Tensor tensor)
        where T : unmanaged => tensor.NumberOfElements == 0 ? [] : tensor.contiguous().data<T>().ToArray();
}
