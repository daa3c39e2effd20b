namespace ExpertCluster.Node.Grpc;

/// <summary>Limits of a gateway's gRPC endpoint. Configuration section <c>ExpertCluster:Grpc</c>.</summary>
public sealed class GatewayGrpcOptions
{
    /// <summary>Where the values live in configuration.</summary>
    public const string SectionName = "ExpertCluster:Grpc";

    /// <summary>The least a message limit may be.</summary>
    public const int LeastMessageBytes = 64 << 10;

    /// <summary>The most a message limit may be; gRPC counts in signed 32 bit.</summary>
    public const int MostMessageBytes = 2047 << 20;

    /// <summary>The largest request accepted, bytes. Default 64 MiB; 64 KiB to 2047 MiB.</summary>
    public int MaxReceiveMessageBytes { get; set; } = 64 << 20;

    /// <summary>
    /// The largest answer sent, bytes; a forward pass over S tokens answers S × vocabulary × 4. Default 64 MiB; 64 KiB to 2047 MiB.
    /// </summary>
    public int MaxSendMessageBytes { get; set; } = 64 << 20;
}
