namespace ExpertCluster.Cluster.Configuration;

/// <summary>How load is measured.</summary>
public sealed class LoadOptions
{
    /// <summary>Time after which a row counts half, 1 s to 1 day. Default 10 s: long enough that a burst of one client is no change of load, short
    /// enough that by the time drift is confirmed (three looks, 5 s apart) two thirds of what a plan sees came after the change.</summary>
    public TimeSpan HalfLife { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time after a node's start in which nothing is counted, 0 to 1 h. Default 2 s: the first steps compile, page weights in and open links,
    /// and would make a new node look slow. What a trace records is not cut.</summary>
    public TimeSpan WarmUp { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a node tells the balancer what it counted, if anything, 100 ms to 1 h. Default 1 s: a fraction of the half-life, and some
    /// kilobytes.</summary>
    public TimeSpan ReportInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>What a generated token's row counts against a prompt's, 0 to 1000. Default 1: a row is a row. More favours the time between tokens,
    /// since each of their rows is waited for by somebody.</summary>
    public double DecodeWeight { get; set; } = 1;

    /// <summary>Least rows in the window, in kinds of batches that other nodes had too, for a node's speed to be known, 1 to 1e12. Default 500: so many
    /// steps even out what a busy core or a collection of garbage costs one of them.</summary>
    public long SpeedRows { get; set; } = 500;

    /// <summary>Least products (an expert's rows in one batch) in the window for a node to count in the comparison of one kind of batches, 1 to 1e9. Default
    /// 20: with fewer, one that was held up would pass for the kind.</summary>
    public int SpeedBatches { get; set; } = 20;

    /// <summary>How often the balancer saves and publishes what it knows, 1 s to 1 h. Default 10 s: a third of the half-life is what a crash may
    /// cost.</summary>
    public TimeSpan SnapshotInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A file that the demand of this gateway's routers is recorded in, as lines of JSON; none by default. One that exists is written anew. With
    /// several models each has a file of its own, the model's name before the extension: <c>trace.jsonl</c> → <c>trace.folio-moe.jsonl</c>.</summary>
    public string? RecordPath { get; set; }

    /// <summary>How often a line is recorded for each layer that changed, 10 ms to 1 h. Default 250 ms: a few lines for each half-life of the
    /// quickest drift worth a plan.</summary>
    public TimeSpan RecordInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    internal void Validate(OptionsErrors errors, bool isGateway)
    {
        errors.Range("Load:HalfLife", HalfLife, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        errors.Range("Load:WarmUp", WarmUp, TimeSpan.Zero, TimeSpan.FromHours(1));
        errors.Range("Load:ReportInterval", ReportInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        errors.Range("Load:DecodeWeight", DecodeWeight, 0, 1000);
        errors.Range("Load:SpeedRows", SpeedRows, 1, 1_000_000_000_000);
        errors.Range("Load:SpeedBatches", SpeedBatches, 1, 1_000_000_000);
        errors.Range("Load:SnapshotInterval", SnapshotInterval, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        errors.Range("Load:RecordInterval", RecordInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1));
        if (RecordPath is not null && !isGateway)
        {
            errors.Add("Load:RecordPath", RecordPath, $"only a node with the role {NodeOptions.GatewayRole} has routers to record");
        }
    }
}
