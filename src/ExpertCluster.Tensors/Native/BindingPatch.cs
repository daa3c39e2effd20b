using System.Security.Cryptography;

namespace ExpertCluster.Tensors;

/// <summary>
/// Makes a copy of the TorchSharp binding that loads on hosts whose libstdc++ is older than GCC 13's. The binding names
/// GLIBCXX_3.4.32 for one symbol that nothing in it refers to; in the copy that requirement is weak.
/// </summary>
internal static class BindingPatch
{
    public const string Version = "GLIBCXX_3.4.32";

    /// <summary>Where copies are kept: one folder per user, one folder in it per original's content.</summary>
    public static string CacheRoot
    {
        get
        {
            string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(cache))
            {
                string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
                cache = home.Length == 0 ? "" : Path.Combine(home, ".cache");
            }

            return cache.Length == 0 ? "" : Path.Combine(cache, "expertcluster", "native");
        }
    }

    /// <summary>Whether the loader's message says that only the version we can do without is missing.</summary>
    public static bool Cures(string loaderMessage) => loaderMessage.Contains(Version, StringComparison.Ordinal);

    /// <summary>
    /// Writes the patched copy, or finds a valid one, and returns its path. Safe when several processes do it at once: each
    /// writes a file of its own and renames it into place.
    /// </summary>
    /// <param name="original">Path of the library as shipped; it is not changed.</param>
    /// <param name="cacheRoot">Folder for copies; a fresh private folder under the temporary path is used when it can't be written.</param>
    /// <param name="temporary">Whether the copy lies in that private folder and should go once loaded.</param>
    /// <exception cref="InvalidDataException">The library is not well formed, or doesn't ask for the version.</exception>
    public static string Make(string original, string cacheRoot, out bool temporary)
    {
        byte[] bytes = File.ReadAllBytes(original);
        string key = Convert.ToHexStringLower(SHA256.HashData(bytes))[..32];
        if (ElfVersionNeeds.Weaken(bytes, Version) == 0)
        {
            throw new InvalidDataException($"{original} does not require {Version}");
        }

        string name = Path.GetFileName(original);
        temporary = false;
        if (cacheRoot.Length > 0)
        {
            try
            {
                return WriteInto(Path.Combine(cacheRoot, key), name, bytes);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A read-only home is common in containers.
            }
        }

        temporary = true;
        return WriteInto(Directory.CreateTempSubdirectory("expertcluster-").FullName, name, bytes);
    }

    private static string WriteInto(string folder, string name, byte[] bytes)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        string path = Path.Combine(folder, name);
        // The file is small, so a copy damaged by a full disk is found by comparing all of it.
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
        {
            return path;
        }

        string part = Path.Combine(folder, $".{name}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        try
        {
            File.WriteAllBytes(part, bytes);
            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }

        return path;
    }
}
