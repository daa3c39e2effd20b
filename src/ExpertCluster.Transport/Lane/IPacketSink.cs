namespace ExpertCluster.Transport.Lane;

/// <summary>What a link makes of the messages that arrive. Called on the reader's thread alone.</summary>
internal interface IPacketSink
{
    /// <summary>A message begins.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="header">Its header; valid during the call.</param>
    /// <param name="bodyBytes">Bytes of the body that follows.</param>
    /// <returns>Where the body goes; null to skip it.</returns>
    /// <exception cref="LaneProtocolException">The link ends.</exception>
    IncomingMessage? Open(ulong id, ReadOnlyMemory<byte> header, long bodyBytes);

    /// <summary>A message is complete.</summary>
    void Complete(IncomingMessage message);

    /// <summary>Blocks until there is room for that many bytes more.</summary>
    void AwaitRoom(long bytes);
}
