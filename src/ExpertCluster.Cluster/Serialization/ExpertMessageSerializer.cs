using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using ExpertCluster.Contracts;
using MessagePack;

namespace ExpertCluster.Cluster.Serialization;

/// <summary>Akka's way to the <see cref="MessageCodec"/>: only registered messages pass, in both directions.</summary>
public sealed class ExpertMessageSerializer : SerializerWithStringManifest
{
    /// <summary>Number of this serializer on the wire; 0 to 40 are Akka's own.</summary>
    public const int WireIdentifier = 4817;

    /// <summary>Called by Akka.</summary>
    public ExpertMessageSerializer(ExtendedActorSystem system)
        : base(system)
    {
    }

    /// <inheritdoc/>
    public override int Identifier => WireIdentifier;

    /// <inheritdoc/>
    public override string Manifest(object o) => MessageCodec.Manifest(o);

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => MessageCodec.ToBytes(obj);

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            return MessageCodec.FromBytes(bytes, manifest);
        }
        catch (MessagePackSerializationException e)
        {
            // Akka drops the message and keeps the association for this type only.
            throw new SerializationException(e.Message, e);
        }
    }
}
