using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace ExpertCluster.Tensors;

/// <summary>
/// Finds and loads libtorch and the native half of TorchSharp. Call <see cref="Load"/> before the first use of a tensor;
/// <see cref="DeviceExecutor"/> does it for you.
/// </summary>
/// <remarks>
/// Order: the folder in the environment variable <c>LIBTORCH</c> (explicit: anything wrong with it is an error), then the natives
/// beside the program, then the NuGet package folder. On Linux hosts whose libstdc++ lacks GLIBCXX_3.4.32 a patched copy of
/// TorchSharp's library is made in the user's cache folder and used instead.
/// </remarks>
public static class LibTorch
{
    /// <summary>The environment variable that names a folder with libtorch in it.</summary>
    public const string DirectoryVariable = "LIBTORCH";

    private static readonly Lock Gate = new();
    private static volatile LibTorchInfo? _info;

    /// <summary>What was loaded.</summary>
    /// <exception cref="InvalidOperationException"><see cref="Load"/> has not succeeded yet.</exception>
    public static LibTorchInfo Info =>
        _info ?? throw new InvalidOperationException("libtorch is not loaded yet: call LibTorch.Load() first.");

    /// <summary>Loads libtorch once per process; later calls return at once. Thread-safe.</summary>
    /// <exception cref="LibTorchNotFoundException">Nothing loaded; the message lists what was tried.</exception>
    public static void Load()
    {
        if (_info is not null)
        {
            return;
        }

        lock (Gate)
        {
            _info ??= LoadFirst(Environment.GetEnvironmentVariable(DirectoryVariable));
        }
    }

    /// <summary>Finds the folder that an explicit setting means: itself or its <c>lib</c>.</summary>
    internal static string? FolderWithLibTorch(string setting)
    {
        string file = NativeNames.Library("torch_cpu");
        string[] folders = [setting, Path.Combine(setting, "lib")];
        return folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, file)));
    }

    private static LibTorchInfo LoadFirst(string? setting)
    {
        var trace = new List<string> { MklMode.Choose() };
        if (!string.IsNullOrEmpty(setting))
        {
            string? folder = FolderWithLibTorch(Path.GetFullPath(setting));
            if (folder is null)
            {
                trace.Add($"{DirectoryVariable}={setting}: no {NativeNames.Library("torch_cpu")} in it or in its lib folder");
                throw LibTorchNotFoundException.From($"{DirectoryVariable}={setting} does not hold libtorch.", trace);
            }

            return TryCandidate(new LibTorchCandidate(DirectoryVariable, folder), trace)
                ?? throw LibTorchNotFoundException.From($"libtorch in {DirectoryVariable}={setting} does not load.", trace);
        }

        foreach (LibTorchCandidate candidate in LibTorchCandidate.Implicit())
        {
            if (!File.Exists(Path.Combine(candidate.Directory, NativeNames.Library("torch_cpu"))))
            {
                trace.Add($"{candidate.Source}: no {NativeNames.Library("torch_cpu")} in {candidate.Directory}");
            }
            else if (TryCandidate(candidate, trace) is { } info)
            {
                return info;
            }
        }

        throw LibTorchNotFoundException.From("libtorch was not found.", trace);
    }

    private static LibTorchInfo? TryCandidate(LibTorchCandidate candidate, List<string> trace)
    {
        // Loaded by absolute path, the libraries satisfy later requests for the same names, wherever those would look.
        bool cuda = false;
        foreach (string name in (string[])["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"])
        {
            string path = Path.Combine(candidate.Directory, NativeNames.Library(name));
            if (!File.Exists(path))
            {
                continue;
            }

            string? failure = NativeLoader.TryLoad(path, out _);
            trace.Add($"{candidate.Source}: {path}: {failure ?? "loaded"}");
            bool isCuda = name.EndsWith("cuda", StringComparison.Ordinal);
            cuda |= failure is null && name == "torch_cuda";
            if (failure is not null && !isCuda)
            {
                return null;
            }
        }

        string? binding = LoadBinding(candidate, trace, out nint handle, out bool patched);
        if (binding is null)
        {
            // A second libtorch in the same process would clash with the one that is loaded now: no further candidate.
            throw LibTorchNotFoundException.From($"libtorch loaded from {candidate.Directory}, but TorchSharp's library did not.", trace);
        }

        TellTorchSharp(handle, cuda, trace);
        return new LibTorchInfo(candidate.Directory, candidate.Source, binding, patched, cuda, trace);
    }

    private static string? LoadBinding(LibTorchCandidate candidate, List<string> trace, out nint handle, out bool patched)
    {
        string file = NativeNames.Library("LibTorchSharp");
        string? path = candidate.BindingFolders().Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
        handle = 0;
        patched = false;
        if (path is null)
        {
            trace.Add($"TorchSharp: no {file} in {string.Join(", ", candidate.BindingFolders())}");
            return null;
        }

        string? failure = NativeLoader.TryLoadResolved(path, out handle);
        trace.Add($"TorchSharp: {path}: {failure ?? "loaded"}");
        if (failure is null)
        {
            return path;
        }

        if (!OperatingSystem.IsLinux() || !BindingPatch.Cures(failure))
        {
            return null;
        }

        try
        {
            string copy = BindingPatch.Make(path, BindingPatch.CacheRoot, out bool temporary);
            failure = NativeLoader.TryLoadResolved(copy, out handle);
            trace.Add($"TorchSharp: {copy} (copy without {BindingPatch.Version}): {failure ?? "loaded"}");
            if (temporary)
            {
                // The mapping outlives the file.
                Directory.Delete(Path.GetDirectoryName(copy)!, recursive: true);
            }

            patched = failure is null;
            return patched ? copy : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            trace.Add($"TorchSharp: copy without {BindingPatch.Version}: {e.Message}");
            return null;
        }
    }

    /// <summary>
    /// TorchSharp would search again by name, and could load a second libtorch that lies beside the program. Both its own flag and
    /// the resolver of its P/Invokes are therefore pointed at what we loaded.
    /// </summary>
    private static void TellTorchSharp(nint handle, bool cuda, List<string> trace)
    {
        Assembly torchSharp = typeof(torch).Assembly;
        try
        {
            NativeLibrary.SetDllImportResolver(torchSharp, (name, _, _) => name == "LibTorchSharp" ? handle : 0);
        }
        catch (InvalidOperationException)
        {
            trace.Add("TorchSharp: another resolver is set already; its libraries are found by name");
        }

        NativeLibrary.SetDllImportResolver(
            typeof(LibTorch).Assembly, (name, _, _) => name == "LibTorchSharp" ? handle : 0);
        SetFlag("nativeBackendLoaded", trace);
        if (cuda)
        {
            SetFlag("nativeBackendCudaLoaded", trace);
        }
    }

    private static void SetFlag(string name, List<string> trace)
    {
        FieldInfo? flag = typeof(torch).GetField(name, BindingFlags.Static | BindingFlags.NonPublic);
        if (flag is null || flag.FieldType != typeof(bool))
        {
            trace.Add($"TorchSharp: this version has no field {name}; it searches for libtorch by itself");
            return;
        }

        flag.SetValue(null, true);
    }
}
