using System.Runtime.InteropServices;

namespace ExpertCluster.Tensors;

/// <summary>Loads shared libraries by absolute path and says why one did not load.</summary>
internal static partial class NativeLoader
{
    private const int ResolveNow = 2;

    /// <summary>Loads <paramref name="path"/>; returns null on success, else the loader's own words.</summary>
    public static string? TryLoad(string path, out nint handle)
    {
        try
        {
            handle = NativeLibrary.Load(path);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            handle = 0;
            return OneLine(e.Message);
        }
    }

    /// <summary>
    /// As <see cref="TryLoad"/>, and on Linux resolves every symbol at once: a libtorch of another version then fails here with a
    /// message, instead of ending the process at the first call into a function it lacks.
    /// </summary>
    public static string? TryLoadResolved(string path, out nint handle)
    {
        if (!OperatingSystem.IsLinux())
        {
            return TryLoad(path, out handle);
        }

        try
        {
            // Binding a P/Invoke uses the loader too and clears its error; this one must be bound before the error is wanted.
            LastError();
            handle = Open(path, ResolveNow);
            return handle != 0 ? null : OneLine(Marshal.PtrToStringUTF8(LastError()) ?? "unknown error of the loader");
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Not glibc; lazy binding has to do.
            return TryLoad(path, out handle);
        }
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();

    [LibraryImport("libc.so.6", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);

    [LibraryImport("libc.so.6", EntryPoint = "dlerror")]
    private static partial nint LastError();
}
