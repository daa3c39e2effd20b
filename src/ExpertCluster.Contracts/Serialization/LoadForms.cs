using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MessagePack;

namespace ExpertCluster.Contracts;

/// <summary>MessagePack forms of what nodes and balancers say of load. Numbers are small and take a byte or two each.</summary>
internal static class LoadForms
{
    private const int DemandFields = 4;

    private const int WorkFields = 7;

    private const int BatchFields = 5;

    /// <summary>Fields a report takes: batches are the last where there are any.</summary>
    public static int Fields(LoadReport report) => report.Batches.IsEmpty ? 5 : 6;

    public static void Write(ref MessagePackWriter writer, LoadReport report)
    {
        MessageForms.Write(ref writer, report.Node);
        writer.Write(report.Model);
        if (report.Device is { } device)
        {
            writer.WriteArrayHeader(3);
            writer.Write(device.Queued);
            writer.Write(device.Busy);
            writer.Write(device.FreeBytes);
        }
        else
        {
            writer.WriteNil();
        }

        writer.WriteArrayHeader(report.Demand.Length * DemandFields);
        foreach (var (layer, expert, prefill, decode) in report.Demand)
        {
            writer.Write(layer);
            writer.Write(expert);
            writer.Write(prefill);
            writer.Write(decode);
        }

        writer.WriteArrayHeader(report.Work.Length * WorkFields);
        foreach (var (replica, rows, compute, queue, bytes) in report.Work)
        {
            writer.Write(replica.Layer);
            writer.Write(replica.Expert);
            writer.Write(replica.Number);
            writer.Write(rows);
            writer.Write(compute);
            writer.Write(queue);
            writer.Write(bytes);
        }

        if (report.Batches.IsEmpty)
        {
            return;
        }

        writer.WriteArrayHeader(report.Batches.Length * BatchFields);
        foreach (var (together, size, products, rows, compute) in report.Batches)
        {
            writer.Write(together);
            writer.Write(size);
            writer.Write(products);
            writer.Write(rows);
            writer.Write(compute);
        }
    }

    public static LoadReport ReadLoadReport(ref MessagePackReader reader, int fields)
    {
        var node = MessageForms.ReadNode(ref reader);
        var model = MessageForms.ReadText(ref reader);
        var device = reader.TryReadNil() ? null : ReadDevice(ref reader);
        var demand = new ExpertDemand[Count(ref reader, DemandFields, "demand fields")];
        for (var i = 0; i < demand.Length; i++)
        {
            demand[i] = new ExpertDemand(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt64());
        }

        var work = new ReplicaWork[Count(ref reader, WorkFields, "work fields")];
        for (var i = 0; i < work.Length; i++)
        {
            var replica = new ReplicaId(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
            work[i] = new ReplicaWork(replica, reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        }

        return new LoadReport(
            node, model, device, ImmutableCollectionsMarshal.AsImmutableArray(demand), ImmutableCollectionsMarshal.AsImmutableArray(work))
        {
            Batches = fields > 5 && reader.NextMessagePackType == MessagePackType.Array ? ReadBatches(ref reader) : [],
        };
    }

    public static void Write(ref MessagePackWriter writer, LoadSnapshot snapshot)
    {
        writer.Write(snapshot.Model);
        writer.Write(snapshot.Fingerprint);
        writer.Write(snapshot.At.ToUnixTimeMilliseconds());
        writer.WriteArrayHeader(snapshot.Layers.Length * 3);
        foreach (var layer in snapshot.Layers)
        {
            writer.Write(layer.Layer);
            writer.Write(layer.Scale);
            writer.Write(layer.Fractions.Span);
        }
    }

    public static LoadSnapshot ReadLoadSnapshot(ref MessagePackReader reader)
    {
        var model = MessageForms.ReadText(ref reader);
        var fingerprint = MessageForms.ReadText(ref reader);
        var at = DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadInt64());
        var layers = new LayerDemand[Count(ref reader, 3, "layer fields")];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = new LayerDemand(reader.ReadInt32(), reader.ReadDouble(), ReadBytes(ref reader));
        }

        return new LoadSnapshot(model, fingerprint, at, ImmutableCollectionsMarshal.AsImmutableArray(layers));
    }

    private static ImmutableArray<BatchWork> ReadBatches(ref MessagePackReader reader)
    {
        var batches = new BatchWork[Count(ref reader, BatchFields, "batch fields")];
        for (var i = 0; i < batches.Length; i++)
        {
            batches[i] = new BatchWork(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(batches);
    }

    private static DeviceLoad ReadDevice(ref MessagePackReader reader)
    {
        var fields = reader.ReadArrayHeader();
        return fields == 3
            ? new DeviceLoad(reader.ReadInt32(), reader.ReadDouble(), reader.ReadInt64())
            : throw new MessagePackSerializationException($"{nameof(DeviceLoad)} has {fields} fields instead of 3.");
    }

    private static int Count(ref MessagePackReader reader, int fields, string what)
    {
        var values = MessageForms.ReadCount(ref reader, what);
        return values % fields == 0
            ? values / fields
            : throw new MessagePackSerializationException($"{values} {what} are not a multiple of {fields}.");
    }

    private static byte[] ReadBytes(ref MessagePackReader reader) => reader.ReadBytes() is { } bytes ? bytes.ToArray() : [];
}
