using System.Runtime.InteropServices;

namespace ExpertCluster.Tensors;

/// <summary>How native files are called on this operating system.</summary>
internal static class NativeNames
{
    /// <summary>The folder name NuGet uses for this platform, such as <c>linux-x64</c>.</summary>
    public static string RuntimeIdentifier
    {
        get
        {
            string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
            string processor = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
            return system + "-" + processor;
        }
    }

    /// <summary>File name of a shared library: <c>torch_cpu</c> → <c>libtorch_cpu.so</c>.</summary>
    public static string Library(string name) =>
        OperatingSystem.IsWindows() ? name + ".dll" : OperatingSystem.IsMacOS() ? "lib" + name + ".dylib" : "lib" + name + ".so";
}
