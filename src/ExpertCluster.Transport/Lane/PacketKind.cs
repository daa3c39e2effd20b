namespace ExpertCluster.Transport.Lane;

/// <summary>What a packet is.</summary>
internal enum PacketKind : byte
{
    /// <summary>The beginning of a frame or an answer: its header, and the first bytes of its body.</summary>
    Open = 1,

    /// <summary>More of a body.</summary>
    More = 2,

    /// <summary>A sign of life.</summary>
    Heartbeat = 3,

    /// <summary>The last packet: the sender closes the link, and the header says why.</summary>
    Goodbye = 4,
}
