using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>Cuts a report where it would be too large for a control message: frames of the control connection are 128,000 bytes.</summary>
internal static class LoadReportCutter
{
    /// <summary>Bytes that the entries of one report take at the most.</summary>
    public const int MostBytes = 60_000;

    /// <summary>The report in as few pieces as fit; none where it has no entries. The first carries the device and the batches, of which there are
    /// a few kinds.</summary>
    public static IEnumerable<LoadReport> Cut(LoadReport report)
    {
        var (device, batches) = (report.Device, report.Batches);
        var (demand, work) = (0, 0);
        while (demand < report.Demand.Length || work < report.Work.Length || !batches.IsEmpty)
        {
            var left = MostBytes - batches.Sum(Bytes);
            var firstDemand = demand;
            while (demand < report.Demand.Length && (left -= Bytes(report.Demand[demand])) >= 0)
            {
                demand++;
            }

            var firstWork = work;
            while (left > 0 && work < report.Work.Length && (left -= Bytes(report.Work[work])) >= 0)
            {
                work++;
            }

            yield return report with
            {
                Device = device,
                Demand = report.Demand[firstDemand..demand],
                Work = report.Work[firstWork..work],
                Batches = batches,
            };
            (device, batches) = (null, []);
        }
    }

    private static int Bytes(ExpertDemand demand) => Bytes(demand.Layer) + Bytes(demand.Expert) + Bytes(demand.Prefill) + Bytes(demand.Decode);

    private static int Bytes(ReplicaWork work) => Bytes(work.Replica.Layer) + Bytes(work.Replica.Expert) + Bytes(work.Replica.Number)
        + Bytes(work.Rows) + Bytes(work.ComputeMicroseconds) + Bytes(work.QueueMicroseconds) + Bytes(work.Bytes);

    private static int Bytes(BatchWork batch) => Bytes(batch.Together) + Bytes(batch.Size) + Bytes(batch.Products) + Bytes(batch.Rows)
        + Bytes(batch.ComputeMicroseconds);

    /// <summary>What a number takes as MessagePack.</summary>
    private static int Bytes(long value) => value switch
    {
        < 0 or > uint.MaxValue => 9,
        > ushort.MaxValue => 5,
        > byte.MaxValue => 3,
        > sbyte.MaxValue => 2,
        _ => 1,
    };
}
