namespace ExpertCluster.Contracts;

/// <summary>A piece of a frame that is too large for one control message. Chunks of one frame arrive in order.</summary>
/// <param name="FrameId">Unique for the sending lane.</param>
/// <param name="IsReply">False: a dispatch to experts. True: the answer to the receiver's frame of that id.</param>
/// <param name="TotalBytes">Length of the whole frame.</param>
/// <param name="Offset">Where <paramref name="Payload"/> belongs in it.</param>
/// <param name="Payload">The bytes.</param>
public sealed record TensorChunk(long FrameId, bool IsReply, int TotalBytes, int Offset, ReadOnlyMemory<byte> Payload) : IClusterMessage;
