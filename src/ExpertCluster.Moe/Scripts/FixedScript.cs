using System.Runtime.InteropServices;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Moe;

/// <summary>
/// TorchScript of fixed text, compiled once: operators that TorchSharp has no method for, and loops without a call from .NET for each step.
/// Text that names an unknown operator can end the process, so nothing that comes from outside is ever compiled.
/// </summary>
internal static unsafe class FixedScript
{
    /// <summary>at::_ops::_grouped_mm::call, which libtorch has from 2.8 on.</summary>
    private const string GroupedSymbol = "_ZN2at4_ops11_grouped_mm4callERKNS_6TensorES4_RKSt8optionalIS2_ES8_S5_IN3c1010ScalarTypeEE";

    /// <summary>torch::jit::setTensorExprFuserEnabled(bool).</summary>
    private const string FuserSymbol = "_ZN5torch3jit25setTensorExprFuserEnabledEb";

    private static readonly Lazy<bool> Prepared = new(Prepare);

    /// <summary>Whether this libtorch has <c>torch._grouped_mm</c>. Loads libtorch.</summary>
    public static bool HasGroupedProduct => Prepared.Value;

    /// <summary>Compiles; text with <c>torch._grouped_mm</c> only where <see cref="HasGroupedProduct"/>.</summary>
    public static jit.CompilationUnit Compile(string text)
    {
        _ = Prepared.Value;
        return jit.compile(text);
    }

    private static bool Prepare()
    {
        LibTorch.Load();
        string library = Path.Combine(LibTorch.Info.Directory, OperatingSystem.IsMacOS() ? "libtorch_cpu.dylib" : "libtorch_cpu.so");
        if (OperatingSystem.IsWindows() || !NativeLibrary.TryLoad(library, out nint handle))
        {
            return false;
        }

        // On a device libtorch would fuse elementwise steps of a script into kernels that it compiles during the first calls of each shape:
        // long pauses, and other roundings than the same steps called one by one.
        if (NativeLibrary.TryGetExport(handle, FuserSymbol, out nint fuser))
        {
            ((delegate* unmanaged[Cdecl]<byte, void>)fuser)(0);
        }

        return NativeLibrary.TryGetExport(handle, GroupedSymbol, out _);
    }
}
