using System.Text;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>What all processes of a chaos run have in common. Limits are small, so that they are reached.</summary>
internal static class ChaosSettings
{
    /// <summary>Rows of a request have so many columns.</summary>
    public const int HiddenSize = 64;

    /// <summary>The largest request, in rows: 1 MiB.</summary>
    public const int MaxRows = 4096;

    /// <summary>An honest peer's requests in flight; together they never exceed the limits.</summary>
    public const int Window = 6;

    public const string Model = "chaos";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static readonly LaneLimits Limits = new()
    {
        ChunkBytes = 64 * 1024,
        MaxFrameBytes = 2 << 20,
        MaxBytesInFlight = 8 << 20,
        MaxFramesInFlight = 32,
        MaxLinks = 64,
        HandshakeTimeout = TimeSpan.FromSeconds(2),
        HeartbeatInterval = TimeSpan.FromMilliseconds(500),
        SilenceTimeout = TimeSpan.FromSeconds(3),
        ReconnectMax = TimeSpan.FromMilliseconds(500),
        HandOverInProcess = false,
    };

    /// <summary>A bad connection must be dropped within this time: the silence, a heartbeat to notice it, and time for a busy machine.</summary>
    public static readonly TimeSpan DropWithin = TimeSpan.FromSeconds(20);

    public static NodeId Server { get; } = Node(1);

    public static NodeId Flaky { get; } = Node(90);

    public static NodeId Bad { get; } = Node(91);

    public static NodeId Node(int number) => new($"akka.tcp://chaos@127.0.0.1:{number}", number);

    public static LaneIdentity Identity(NodeId self, bool knowsSecret = true) =>
        new(self, "chaos", Encoding.UTF8.GetBytes(knowsSecret ? "the secret of the chaos run" : "a guess at the secret of it"))
        {
            MaxVersion = self == Bad ? ChaosWire.Version : LaneIdentity.NewestVersion,
        };
}
