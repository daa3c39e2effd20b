using System.Security.Cryptography;
using System.Text;
using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Cluster.Load;

/// <summary>Where a node's store lies.</summary>
public static class StorePath
{
    /// <summary>The file; null for memory only.</summary>
    /// <param name="store">What was set.</param>
    /// <param name="node">Whose.</param>
    public static string? Of(StoreOptions store, NodeOptions node) => store.Path switch
    {
        StoreOptions.InMemory => null,
        { } path => Path.GetFullPath(path),
        null when node.Port == 0 => null,
        null => Path.Combine(StateDirectory(), "expertcluster", $"{Hash($"{node.Host}:{node.Port}")}.db"),
    };

    private static string StateDirectory() => Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } state
        ? state
        : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
