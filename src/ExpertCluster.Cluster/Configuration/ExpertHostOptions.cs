using ExpertCluster.Models;
using static TorchSharp.torch;

namespace ExpertCluster.Cluster.Configuration;

/// <summary>What the experts of this node may use.</summary>
public sealed class ExpertHostOptions
{
    /// <summary>Where experts and the dense part compute: <c>cpu</c> (default), <c>cuda:0</c>, ….</summary>
    public string Device { get; set; } = "cpu";

    /// <summary>
    /// What experts hold their weights as and compute in: <c>float32</c>, <c>bfloat16</c>, or <c>auto</c> (default): bfloat16 on a CUDA device
    /// where the checkpoint itself is not float32, else float32. The dense part is float32 always.
    /// </summary>
    public string Dtype { get; set; } = "auto";

    /// <summary>libtorch threads of the device's executor, 0 to 1024. 0 (default): this node's share of the machine's cores,
    /// which all nodes with its host have in common; it changes as they come and go, and with it the last digits of sums.</summary>
    public int Threads { get; set; }

    /// <summary>The most bytes of expert weights held here, at least 1 KiB. Default: half of the machine's memory. An expert that does not
    /// fit is refused rather than risked.</summary>
    public long MemoryBytes { get; set; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>Share of the experts relative to other nodes, up to 1e6. 0 (default): the memory budget in GiB.</summary>
    public double Weight { get; set; }

    /// <summary>How many experts read their tensors at once, 1 to 256. Default 2: one reads while another converts.</summary>
    public int ConcurrentLoads { get; set; } = 2;

    /// <summary>Rows that may wait for one replica, 1 to 1,048,576. Default 8192. What comes beyond is answered "busy".</summary>
    public int MaxQueuedRows { get; set; } = 8192;

    /// <summary>The most rows of several requests that the device computes together, 1 to 1,048,576. Default 4096: beyond, a product is as
    /// fast as it gets and only makes others wait. A frame that is larger by itself is computed nonetheless.</summary>
    public int MaxFusedRows { get; set; } = 4096;

    /// <summary>How long work waits for the device before its age counts more than deadlines, 0 to 1 min. Default 100 ms: several steps of a
    /// busy node. Work with a nearer deadline goes first.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The threads in force.</summary>
    public int EffectiveThreads => Threads == 0 ? Environment.ProcessorCount : Threads;

    /// <summary>The weight in force.</summary>
    public double EffectiveWeight => Weight == 0 ? MemoryBytes / (double)(1 << 30) : Weight;

    /// <summary>What experts of a model compute in here: float32 or bfloat16.</summary>
    public ScalarType TypeOf(ModelCheckpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return Dtype switch
        {
            "bfloat16" => ScalarType.BFloat16,
            "float32" => ScalarType.Float32,
            _ => Device.StartsWith("cuda", StringComparison.Ordinal) ? checkpoint.NativeType : ScalarType.Float32,
        };
    }

    internal void Validate(OptionsErrors errors)
    {
        errors.NotEmpty("Experts:Device", Device);
        if (Dtype is not ("auto" or "float32" or "bfloat16"))
        {
            errors.Add("Experts:Dtype", Dtype, "must be auto, float32 or bfloat16");
        }

        errors.Range("Experts:Threads", Threads, 0, 1024);
        errors.Range("Experts:MemoryBytes", MemoryBytes, 1024, long.MaxValue);
        errors.Range("Experts:Weight", Weight, 0, 1e6);
        errors.Range("Experts:ConcurrentLoads", ConcurrentLoads, 1, 256);
        errors.Range("Experts:MaxQueuedRows", MaxQueuedRows, 1, 1 << 20);
        errors.Range("Experts:MaxFusedRows", MaxFusedRows, 1, 1 << 20);
        errors.Range("Experts:Patience", Patience, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }
}
