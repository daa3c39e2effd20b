using System.Buffers;
using MessagePack;

namespace ExpertCluster.Contracts;

/// <summary>
/// All messages that cross the wire, each with its one-letter manifest and hand-written MessagePack form. A message is an array; readers
/// skip elements they do not know, so a newer sender may append fields (deploy the reader before the writer).
/// </summary>
public static class MessageCodec
{
    private delegate void Writer(ref MessagePackWriter writer, IClusterMessage message);

    private delegate IClusterMessage Reader(ref MessagePackReader reader, int fields);

    // Fields are the least there are; Written counts what was appended later too.
    private sealed record Form(
        string Manifest, Type Type, int Fields, Writer Write, Reader Read, Func<IClusterMessage, int>? Written = null);

    private static readonly Form[] Forms =
    [
        new("S", typeof(StartReplica), 3,
            static (ref MessagePackWriter w, IClusterMessage m) => MessageForms.Write(ref w, (StartReplica)m),
            static (ref MessagePackReader r, int _) => MessageForms.ReadStartReplica(ref r)),
        new("X", typeof(StopReplica), 0,
            static (ref MessagePackWriter _, IClusterMessage _) => { },
            static (ref MessagePackReader _, int _) => StopReplica.Instance),
        new("R", typeof(ReplicaReport), 6,
            static (ref MessagePackWriter w, IClusterMessage m) => MessageForms.Write(ref w, (ReplicaReport)m),
            static (ref MessagePackReader r, int fields) => MessageForms.ReadReplicaReport(ref r, fields),
            static m => MessageForms.Fields((ReplicaReport)m)),
        new("T", typeof(RetireReplica), 2,
            static (ref MessagePackWriter w, IClusterMessage m) => MessageForms.Write(ref w, (RetireReplica)m),
            static (ref MessagePackReader r, int _) => MessageForms.ReadRetireReplica(ref r)),
        new("Q", typeof(BalancerQuery), 2,
            static (ref MessagePackWriter w, IClusterMessage m) => MessageForms.Write(ref w, (BalancerQuery)m),
            static (ref MessagePackReader r, int _) => MessageForms.ReadBalancerQuery(ref r)),
        new("A", typeof(BalancerReply), 2,
            static (ref MessagePackWriter w, IClusterMessage m) => MessageForms.Write(ref w, (BalancerReply)m),
            static (ref MessagePackReader r, int _) => MessageForms.ReadBalancerReply(ref r)),
        new("B", typeof(BalancerStatus), 7,
            static (ref MessagePackWriter w, IClusterMessage m) => MessageForms.Write(ref w, (BalancerStatus)m),
            static (ref MessagePackReader r, int _) => MessageForms.ReadBalancerStatus(ref r)),
        new("E", typeof(DrainNode), 1,
            static (ref MessagePackWriter w, IClusterMessage m) => w.Write(((DrainNode)m).IsDraining),
            static (ref MessagePackReader r, int _) => new DrainNode(r.ReadBoolean())),
        new("P", typeof(LayerPlacement), 7,
            static (ref MessagePackWriter w, IClusterMessage m) => PlacementForms.Write(ref w, (LayerPlacement)m),
            static (ref MessagePackReader r, int _) => PlacementForms.ReadLayerPlacement(ref r)),
        new("N", typeof(NodeDescription), 9,
            static (ref MessagePackWriter w, IClusterMessage m) => PlacementForms.Write(ref w, (NodeDescription)m),
            static (ref MessagePackReader r, int fields) => PlacementForms.ReadNodeDescription(ref r, fields),
            static m => PlacementForms.Fields((NodeDescription)m)),
        new("L", typeof(LoadReport), 5,
            static (ref MessagePackWriter w, IClusterMessage m) => LoadForms.Write(ref w, (LoadReport)m),
            static (ref MessagePackReader r, int fields) => LoadForms.ReadLoadReport(ref r, fields),
            static m => LoadForms.Fields((LoadReport)m)),
        new("K", typeof(LoadSnapshot), 4,
            static (ref MessagePackWriter w, IClusterMessage m) => LoadForms.Write(ref w, (LoadSnapshot)m),
            static (ref MessagePackReader r, int _) => LoadForms.ReadLoadSnapshot(ref r)),
    ];

    private static readonly Dictionary<Type, Form> ByType = Forms.ToDictionary(f => f.Type);

    private static readonly Dictionary<string, Form> ByManifest = Forms.ToDictionary(f => f.Manifest);

    /// <summary>The types that may cross the wire.</summary>
    public static IEnumerable<Type> Types => ByType.Keys;

    /// <summary>The manifest of a message.</summary>
    /// <exception cref="ArgumentException">The type is not registered.</exception>
    public static string Manifest(object message) => Find(message).Manifest;

    /// <summary>The manifest of a type of messages.</summary>
    /// <exception cref="KeyNotFoundException">The type is not registered.</exception>
    public static string ManifestOf(Type type) => ByType[type].Manifest;

    /// <summary>Serialises a registered message.</summary>
    /// <exception cref="ArgumentException">The type is not registered.</exception>
    public static byte[] ToBytes(object message)
    {
        var form = Find(message);
        var buffer = new ArrayBufferWriter<byte>(128);
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(form.Written?.Invoke((IClusterMessage)message) ?? form.Fields);
        form.Write(ref writer, (IClusterMessage)message);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a message.</summary>
    /// <exception cref="MessagePackSerializationException">Unknown manifest or malformed bytes.</exception>
    public static IClusterMessage FromBytes(byte[] bytes, string manifest)
    {
        if (!ByManifest.TryGetValue(manifest, out var form))
        {
            throw new MessagePackSerializationException($"No message has the manifest '{manifest}'.");
        }

        try
        {
            var reader = new MessagePackReader(bytes);
            var fields = reader.ReadArrayHeader();
            if (fields < form.Fields)
            {
                throw new MessagePackSerializationException(
                    $"{form.Type.Name} has {fields} fields, {form.Fields} are needed: the sender runs an older version.");
            }

            return form.Read(ref reader, fields);
        }
        catch (Exception e) when (e is not MessagePackSerializationException)
        {
            throw new MessagePackSerializationException($"Malformed {form.Type.Name}: {e.Message}", e);
        }
    }

    private static Form Find(object message) => ByType.TryGetValue(message.GetType(), out var form)
        ? form
        : throw new ArgumentException($"{message.GetType()} is not a message between nodes; register it in {nameof(MessageCodec)}.");
}
