using ExpertCluster.Cluster.Routing;

namespace ExpertCluster.Cluster.Load;

/// <summary>Takes from one router's counters what came since it last looked.</summary>
internal sealed class DemandCounter(int layer, RouterStatistics statistics)
{
    public int Layer => layer;

    /// <summary>New rows of prompts, by expert.</summary>
    public long[] Prefill { get; } = new long[statistics.Experts];

    /// <summary>New rows of generated tokens, by expert.</summary>
    public long[] Decode { get; } = new long[statistics.Experts];

    private readonly long[] _prefill = new long[statistics.Experts];
    private readonly long[] _decode = new long[statistics.Experts];

    /// <summary>Looks again.</summary>
    /// <returns>Whether there is anything new.</returns>
    public bool Take()
    {
        var any = false;
        for (var expert = 0; expert < statistics.Experts; expert++)
        {
            var (prefill, decode) = (statistics.PrefillRows(expert), statistics.DecodeRows(expert));
            Prefill[expert] = prefill - _prefill[expert];
            Decode[expert] = decode - _decode[expert];
            any |= Prefill[expert] != 0 || Decode[expert] != 0;
            (_prefill[expert], _decode[expert]) = (prefill, decode);
        }

        return any;
    }
}
