using System.Collections.Concurrent;
using System.Net.Sockets;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Tests.Transport;

/// <summary>Processes of one host meet over a Unix socket, and over TCP where that is not to be.</summary>
public sealed class LaneUnixSocketSpec : IDisposable
{
    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known = new();
    private readonly List<LaneNode> _nodes = [];

    public void Dispose() => _nodes.ForEach(node => node.Dispose());

    [Fact]
    public async Task Two_lanes_of_a_host_use_the_socket_in_a_directory_that_only_their_user_may_enter()
    {
        var (a, b) = (Node(), Node());
        var endpoint = WithSocket(b);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Path.GetDirectoryName(endpoint.Socket)!).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await a.EchoAsync(b, 3, 700, seed: 1);
        await a.EchoAsync(b, 9000, 1024, seed: 2);
        Up(a).Should().Contain("Unix socket");
    }

    [Theory]
    [InlineData("no file")]
    [InlineData("nobody listens")]
    [InlineData("another host")]
    [InlineData("switched off")]
    public async Task Where_the_socket_is_of_no_use_the_lane_goes_over_TCP(string why)
    {
        using var stale = new Abandoned();
        var (a, b) = (Node(new LaneLimits { UnixSockets = why != "switched off" }), Node());
        var endpoint = WithSocket(b);
        _known[b.Self] = why switch
        {
            "no file" => endpoint with { Socket = "/no/such/socket" },
            "nobody listens" => endpoint with { Socket = stale.Bind() },
            "another host" => endpoint with { HostId = "00000000-0000-0000-0000-000000000000" },
            _ => endpoint,
        };
        await a.EchoAsync(b, 3, 700, seed: 1);
        Up(a).Should().Contain("TCP");
    }

    [Fact]
    public void A_lane_that_stops_takes_its_socket_along()
    {
        var b = Node();
        var path = WithSocket(b).Socket!;
        b.Dispose();
        File.Exists(path).Should().BeFalse();
        Directory.Exists(Path.GetDirectoryName(path)).Should().BeFalse();
    }

    [Fact]
    public void What_a_killed_process_left_goes_when_the_next_lane_starts_and_what_lives_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There are no Unix sockets of lanes elsewhere.");
        var alive = Node();
        var living = WithSocket(alive).Socket!;
        Directory.SetLastWriteTimeUtc(Path.GetDirectoryName(living)!, DateTime.UtcNow.AddHours(-1));
        var left = Directory.CreateTempSubdirectory("expertcluster-lane-");
        File.WriteAllText(Path.Combine(left.FullName, "lock"), "");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(left.FullName, "lane")));
        left.LastWriteTimeUtc = DateTime.UtcNow.AddHours(-1);
        _ = Node();
        Directory.Exists(left.FullName).Should().BeFalse();
        File.Exists(living).Should().BeTrue();
        alive.Log.Entries.Should().BeEmpty("nobody knocks to find out");
    }

    [Theory]
    [InlineData("host:1", null, null, null)]
    [InlineData("host:1", "id:/tmp/a:b", "id", "/tmp/a:b")]
    [InlineData("host:1", "nonsense", null, null)]
    [InlineData("host:1", ":/tmp/a", null, null)]
    [InlineData("host:1", "id:", null, null)]
    public void An_endpoint_is_read_as_it_was_written_and_a_socket_that_is_none_is_left_out(string text, string? socket, string? host, string? path)
    {
        var endpoint = LaneEndpoint.Parse(text, socket);
        endpoint.Should().Be(new LaneEndpoint("host", 1, host, path));
        LaneEndpoint.Parse(endpoint!.ToString(), endpoint.SocketText).Should().Be(endpoint);
    }

    private static string Up(LaneNode node) => node.Log.Entries.Single(e => e.Id.Id == 2001).Message;

    private LaneEndpoint WithSocket(LaneNode node)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There are no Unix sockets of lanes elsewhere.");
        var endpoint = node.Lane.Endpoint("127.0.0.1");
        endpoint.HostId.Should().Be(LaneSocketFile.HostId);
        File.Exists(endpoint.Socket).Should().BeTrue();
        return _known[node.Self] = endpoint;
    }

    private LaneNode Node(LaneLimits? limits = null)
    {
        var node = new LaneNode(_known, null, limits);
        _nodes.Add(node);
        return node;
    }

    /// <summary>A socket that nobody listens on.</summary>
    private sealed class Abandoned : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory();

        public string Bind()
        {
            var path = Path.Combine(_directory.FullName, "lane");
            _socket.Bind(new UnixDomainSocketEndPoint(path));
            return path;
        }

        public void Dispose()
        {
            _socket.Dispose();
            _directory.Delete(recursive: true);
        }
    }
}
