using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace ExpertCluster.Cluster.Serialization;

/// <summary>
/// Stands where Akka has its JSON serializer, which takes whatever no binding names. A strict sender never uses that one; this makes a
/// receiver strict, too: JSON would create objects of any type that a peer cares to name.
/// </summary>
public sealed class RefusingSerializer : Serializer
{
    /// <summary>Called by Akka, with the settings it has for JSON.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system) => _ = settings;

    /// <summary>The number of Akka's JSON serializer on the wire.</summary>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj.GetType()} is not a message between nodes.");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) =>
        throw new SerializationException("A message that is not one of ours was refused.");
}
