using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ExpertCluster.Tensors;

/// <summary>
/// The one entry of TorchSharp's native interface that its public API does not reach: a tensor over memory that somebody else
/// owns. Internal interface of TorchSharp 0.107.0; a test guards it.
/// </summary>
internal static unsafe partial class TorchNative
{
    /// <summary>Makes a one-dimensional CPU tensor over <paramref name="data"/>; the memory must outlive it.</summary>
    public static nint FromMemory(void* data, long count, sbyte type) =>
        FromBuffer(data, &Nothing, count, 0, type, type, 0, -1, 0);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Nothing(void* data)
    {
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_frombuffer")]
    private static partial nint FromBuffer(
        void* data, delegate* unmanaged[Cdecl]<void*, void> deleter, long count, long offset, sbyte sourceType, sbyte type,
        int deviceType, int deviceIndex, byte requiresGrad);
}
