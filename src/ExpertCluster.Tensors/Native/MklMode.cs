using System.Runtime.InteropServices;

namespace ExpertCluster.Tensors;

/// <summary>
/// Asks oneMKL, the matrix library inside libtorch on x64, for results that depend on the operands alone. By default its kernels
/// follow the alignment of the memory, so the same product gave other last bits in each run, and on each node.
/// </summary>
/// <remarks>
/// Intel, "Obtaining Numerically Reproducible Results" (oneMKL developer guide): <c>MKL_CBWR</c> is read once, at the library's first
/// use. <c>AUTO</c> keeps the processor's best code path, <c>STRICT</c> frees products of the number of threads too. Who sets the
/// variable keeps that value.
/// </remarks>
internal static partial class MklMode
{
    public const string Variable = "MKL_CBWR";

    public const string Reproducible = "AUTO,STRICT";

    /// <summary>Call before libtorch loads. Returns the mode in force, with who chose it, for the trace.</summary>
    public static string Choose()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
        {
            return $"{Variable}={chosen}, from the environment";
        }

        Environment.SetEnvironmentVariable(Variable, Reproducible);
        if (OperatingSystem.IsWindows())
        {
            return $"{Variable}={Reproducible}";
        }

        try
        {
            // On Unix .NET keeps its own copy of the environment; native code reads the process's.
            return SetNative(Variable, Reproducible, 1) == 0
                ? $"{Variable}={Reproducible}"
                : $"{Variable} could not be set; the last bits of an answer may change between runs";
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return $"{Variable} could not be set ({e.Message}); the last bits of an answer may change between runs";
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNative(string name, string value, int overwrite);
}
