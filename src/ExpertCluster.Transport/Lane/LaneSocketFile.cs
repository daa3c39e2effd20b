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

    // The system takes no longer path: 108 bytes with the zero at its end, 104 on macOS.
    private const int LongestPath = 103;
    private const int Backlog = 128;

    // A process that is just starting has made its directory and does not listen yet.
    private static readonly TimeSpan Young = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory;

    private LaneSocketFile(DirectoryInfo directory, Socket socket)
    {
        (_directory, Listener) = (directory, socket);
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
        Socket? socket = null;
        try
        {
            RemoveStale();

            // Only its owner may enter it, from the moment it is there.
            directory = Directory.CreateTempSubdirectory(Prefix);
            var path = System.IO.Path.Combine(directory.FullName, Name);
            if (System.Text.Encoding.UTF8.GetByteCount(path) > LongestPath)
            {
                throw new IOException($"{path} is longer than a socket's path may be; set TMPDIR to a shorter one");
            }

            socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen(Backlog);
            return new LaneSocketFile(directory, socket);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            LaneLog.NoUnixSocket(log, e.Message);
            socket?.Dispose();
            Remove(directory);
            return null;
        }
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        Listener.Dispose();
        Remove(_directory);
    }

    /// <summary>A process that is told to end may not come to dispose of its lanes.</summary>
    private void OnExit(object? sender, EventArgs e) => Remove(_directory);

    private static void RemoveStale()
    {
        foreach (var directory in new DirectoryInfo(System.IO.Path.GetTempPath()).EnumerateDirectories(Prefix + "*"))
        {
            if (directory.LastWriteTimeUtc < DateTime.UtcNow - Young && !Answers(System.IO.Path.Combine(directory.FullName, Name)))
            {
                Remove(directory);
            }
        }
    }

    private static bool Answers(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e)
        {
            // Only what certainly nobody listens on any more is stale.
            return e.SocketErrorCode is not (SocketError.ConnectionRefused or SocketError.AddressNotAvailable);
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

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
