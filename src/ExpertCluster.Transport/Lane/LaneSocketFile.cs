using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// The Unix socket of a lane, in a directory of its own under the system's directory for temporary files, which nobody but this user may
/// enter. What processes that were killed have left there goes when the next one starts.
/// </summary>
internal sealed class LaneSocketFile : IDisposable
{
    private const string Prefix = "expertcluster-lane-";
    private const string Name = "lane";
    private const string LockName = "lock";

    // The system takes no longer path: 108 bytes with the zero at its end, 104 on macOS.
    private const int LongestPath = 103;
    private const int Backlog = 128;

    // A process that is just starting has made its directory and holds no lock in it yet.
    private static readonly TimeSpan Young = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory;
    private readonly FileStream _lock;

    private LaneSocketFile(DirectoryInfo directory, FileStream held, Socket socket)
    {
        (_directory, _lock, Listener) = (directory, held, socket);
        Path = System.IO.Path.Combine(directory.FullName, Name);
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Which running system this is; null where that is not known, and nobody can be on the same one.</summary>
    public static string? HostId { get; } = ReadHostId();

    /// <summary>Accepts connections.</summary>
    public Socket Listener { get; }

    public string Path { get; }

    /// <summary>Whether a path that a peer named is on this host, and visible from here: containers share a host and not its files.</summary>
    public static bool IsHere(string? hostId, string path) => HostId is not null && hostId == HostId && File.Exists(path);

    /// <summary>Listens; null, and the reason logged, where that can not be.</summary>
    public static LaneSocketFile? TryCreate(ILogger log)
    {
        if (HostId is null || !Socket.OSSupportsUnixDomainSockets)
        {
            return null;
        }

        DirectoryInfo? directory = null;
        FileStream? held = null;
        Socket? socket = null;
        try
        {
            RemoveStale();

            // Only its owner may enter it, from the moment it is there.
            directory = Directory.CreateTempSubdirectory(Prefix);
            held = Lock(directory, FileMode.CreateNew);
            var path = System.IO.Path.Combine(directory.FullName, Name);
            if (System.Text.Encoding.UTF8.GetByteCount(path) > LongestPath)
            {
                throw new IOException($"{path} is longer than a socket's path may be; set TMPDIR to a shorter one");
            }

            socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen(Backlog);
            return new LaneSocketFile(directory, held, socket);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            LaneLog.NoUnixSocket(log, e.Message);
            socket?.Dispose();
            held?.Dispose();
            Remove(directory);
            return null;
        }
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        Listener.Dispose();
        Remove(_directory);
        _lock.Dispose();
    }

    /// <summary>A process that is told to end may not come to dispose of its lanes.</summary>
    private void OnExit(object? sender, EventArgs e) => Remove(_directory);

    private static void RemoveStale()
    {
        foreach (var directory in new DirectoryInfo(System.IO.Path.GetTempPath()).EnumerateDirectories(Prefix + "*"))
        {
            if (directory.LastWriteTimeUtc < DateTime.UtcNow - Young && !IsHeld(directory))
            {
                Remove(directory);
            }
        }
    }

    /// <summary>The system lets go of a lock with the process that holds it.</summary>
    private static bool IsHeld(DirectoryInfo directory)
    {
        try
        {
            using var taken = Lock(directory, FileMode.Open);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static FileStream Lock(DirectoryInfo directory, FileMode mode) =>
        new(System.IO.Path.Combine(directory.FullName, LockName), mode, FileAccess.ReadWrite, FileShare.None);

    private static void Remove(DirectoryInfo? directory)
    {
        try
        {
            directory?.Delete(recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else's, or gone already.
        }
    }

    /// <summary>Linux draws an id at each start of the system.</summary>
    private static string? ReadHostId()
    {
        try
        {
            return OperatingSystem.IsLinux() ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
