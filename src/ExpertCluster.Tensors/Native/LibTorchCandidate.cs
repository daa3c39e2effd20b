namespace ExpertCluster.Tensors;

/// <summary>A folder libtorch may be in, and the rule that named it.</summary>
internal sealed record LibTorchCandidate(string Source, string Directory)
{
    // Versions that TorchSharp 0.107.0 was built against; the NuGet fallback must not pick others up.
    private const string LibTorchVersion = "2.10.0";
    private const string TorchSharpVersion = "0.107.0";

    /// <summary>Folders beside the program, in the order the host would look, whether they exist or not.</summary>
    public static IEnumerable<string> ApplicationFolders()
    {
        string root = AppContext.BaseDirectory;
        var folders = new List<string> { Path.Combine(root, "runtimes", NativeNames.RuntimeIdentifier, "native"), root };
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string search)
        {
            folders.AddRange(search.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        }

        return folders.Select(Path.TrimEndingDirectorySeparator).Distinct();
    }

    /// <summary>The candidates used when no folder is set explicitly.</summary>
    public static IEnumerable<LibTorchCandidate> Implicit()
    {
        foreach (string folder in ApplicationFolders())
        {
            yield return new LibTorchCandidate("application", folder);
        }

        string native = Path.Combine("runtimes", NativeNames.RuntimeIdentifier, "native");
        string package = "libtorch-cpu-" + NativeNames.RuntimeIdentifier;
        yield return new LibTorchCandidate("NuGet", Path.Combine(PackagesRoot(), package, LibTorchVersion, native));
    }

    /// <summary>Places for TorchSharp's own native library.</summary>
    public IEnumerable<string> BindingFolders()
    {
        string native = Path.Combine("runtimes", NativeNames.RuntimeIdentifier, "native");
        return ApplicationFolders()
            .Append(Directory)
            .Append(Path.Combine(PackagesRoot(), "torchsharp", TorchSharpVersion, native));
    }

    private static string PackagesRoot()
    {
        string? root = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        return !string.IsNullOrEmpty(root)
            ? root
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
    }
}
