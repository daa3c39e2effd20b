using System.Collections.Immutable;
using MessagePack;

namespace ExpertCluster.Contracts;

/// <summary>MessagePack forms of placements and node descriptions. Nodes are written once and referred to by index.</summary>
internal static class PlacementForms
{
    /// <summary>No layer of a model has more experts than this; a reader makes room for each.</summary>
    private const int MaxExperts = 1 << 20;

    public static void Write(ref MessagePackWriter writer, LayerPlacement placement)
    {
        var nodes = placement.Replicas.Select(r => r.Node).Distinct().Order().ToArray();
        var index = nodes.Select((node, i) => (node, i)).ToDictionary(p => p.node, p => p.i);
        writer.Write(placement.Model);
        writer.Write(placement.Layer);
        writer.Write(placement.Epoch);
        writer.Write(placement.Experts);
        writer.Write(placement.Problem);
        writer.WriteArrayHeader(nodes.Length);
        foreach (var node in nodes)
        {
            MessageForms.Write(ref writer, node);
        }

        // Four numbers a replica in one flat array: 16,704 replicas of a large model take some 100 KB in all.
        writer.WriteArrayHeader(placement.Replicas.Length * 4);
        foreach (var replica in placement.Replicas)
        {
            writer.Write(replica.Replica.Expert);
            writer.Write(replica.Replica.Number);
            writer.Write(index[replica.Node]);
            writer.Write((int)replica.State);
        }
    }

    public static LayerPlacement ReadLayerPlacement(ref MessagePackReader reader)
    {
        var model = MessageForms.ReadText(ref reader);
        var layer = reader.ReadInt32();
        var epoch = reader.ReadInt64();
        var experts = reader.ReadInt32();
        if (experts is < 0 or > MaxExperts)
        {
            throw new MessagePackSerializationException($"{experts} experts in layer {layer}; there can be 0 to {MaxExperts}.");
        }

        var problem = MessageForms.ReadOptionalText(ref reader);
        var nodes = new NodeId[MessageForms.ReadCount(ref reader, "nodes")];
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i] = MessageForms.ReadNode(ref reader);
        }

        var replicas = ImmutableArray.CreateBuilder<ReplicaPlacement>();
        for (var left = MessageForms.ReadCount(ref reader, "replica fields"); left >= 4; left -= 4)
        {
            var id = new ReplicaId(layer, reader.ReadInt32(), reader.ReadInt32());
            var node = reader.ReadInt32();
            if ((uint)node >= (uint)nodes.Length)
            {
                throw new MessagePackSerializationException($"{id} lives on node {node} of {nodes.Length}.");
            }

            replicas.Add(new ReplicaPlacement(id, nodes[node], MessageForms.ReadEnum<ReplicaState>(ref reader)));
        }

        return new LayerPlacement(model, layer, epoch, experts, replicas.DrainToImmutable(), problem);
    }

    public static void Write(ref MessagePackWriter writer, NodeDescription node)
    {
        MessageForms.Write(ref writer, node.Node);
        writer.WriteArrayHeader(node.Roles.Length);
        foreach (var role in node.Roles)
        {
            writer.Write(role);
        }

        writer.Write(node.Device);
        writer.Write(node.Threads);
        writer.Write(node.MemoryBytes);
        writer.Write(node.Weight);
        writer.Write(node.GatewayEndpoint);
        writer.WriteMapHeader(node.Models.Count);
        foreach (var (name, fingerprint) in node.Models.OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            writer.Write(name);
            writer.Write(fingerprint);
        }

        writer.Write(node.LaneEndpoint);
        writer.Write(node.LaneSocket);
        var types = ExpertTypes(node);
        if (types.Length > 0 || node.IsDraining)
        {
            writer.WriteMapHeader(types.Length);
            foreach (var (name, type) in types)
            {
                writer.Write(name);
                writer.Write((int)type);
            }
        }

        if (node.IsDraining)
        {
            writer.Write(true);
        }
    }

    /// <summary>Fields a description takes: the last ones are left out where all experts compute in float32 and the node stays.</summary>
    public static int Fields(NodeDescription node) => node.IsDraining ? 12 : ExpertTypes(node).Length > 0 ? 11 : 10;

    public static NodeDescription ReadNodeDescription(ref MessagePackReader reader, int fields)
    {
        var id = MessageForms.ReadNode(ref reader);
        var roles = ImmutableArray.CreateBuilder<string>();
        for (var left = MessageForms.ReadCount(ref reader, "roles"); left > 0; left--)
        {
            roles.Add(MessageForms.ReadText(ref reader));
        }

        var device = MessageForms.ReadText(ref reader);
        var threads = reader.ReadInt32();
        var memory = reader.ReadInt64();
        var weight = reader.ReadDouble();
        var endpoint = MessageForms.ReadOptionalText(ref reader);
        var models = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            models[MessageForms.ReadText(ref reader)] = MessageForms.ReadText(ref reader);
        }

        var lane = MessageForms.ReadOptionalText(ref reader);

        // Nodes from before there were sockets end here.
        var socket = fields > 9 ? MessageForms.ReadOptionalText(ref reader) : null;
        return new NodeDescription(
            id, roles.DrainToImmutable(), device, threads, memory, weight, endpoint, models.ToImmutable(), lane, socket)
        {
            ExpertTypes = fields > 10 ? ReadExpertTypes(ref reader) : ImmutableDictionary<string, RowType>.Empty,
            IsDraining = fields > 11 && reader.NextMessagePackType == MessagePackType.Boolean && reader.ReadBoolean(),
        };
    }

    private static KeyValuePair<string, RowType>[] ExpertTypes(NodeDescription node) =>
        [.. node.ExpertTypes.Where(t => t.Value != RowType.Float32).OrderBy(t => t.Key, StringComparer.Ordinal)];

    /// <summary>What is not understood here – another form, a type of a newer version – is float32, which every expert takes.</summary>
    private static ImmutableDictionary<string, RowType> ReadExpertTypes(ref MessagePackReader reader)
    {
        var types = ImmutableDictionary.CreateBuilder<string, RowType>(StringComparer.Ordinal);
        if (reader.NextMessagePackType == MessagePackType.Map)
        {
            for (var left = reader.ReadMapHeader(); left > 0; left--)
            {
                var model = MessageForms.ReadText(ref reader);
                if ((RowType)reader.ReadInt32() == RowType.BFloat16)
                {
                    types[model] = RowType.BFloat16;
                }
            }
        }

        return types.ToImmutable();
    }
}
