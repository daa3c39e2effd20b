using BenchmarkDotNet.Attributes;
using ExpertCluster.Moe;

namespace ExpertCluster.Benchmarks;

/// <summary>Weighted sums of the experts' answers.</summary>
[MemoryDiagnoser]
public class ExpertCombineBenchmark
{
    private const int Hidden = 1024;

    private RoutingDecision _decision = null!;
    private float[] _slotRows = [];
    private float[] _output = [];

    /// <summary>T.</summary>
    [Params(1, 32, 1024)]
    public int Tokens { get; set; }

    /// <summary>Makes decision and answers.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _decision = Decisions.Of(Tokens, experts: 8);
        _slotRows = new float[_decision.Slots * Hidden];
        Array.Fill(_slotRows, 0.5f);
        _output = new float[Tokens * Hidden];
    }

    /// <summary>Adds them up.</summary>
    [Benchmark]
    public void WeightedSum() => ExpertCombine.WeightedSum(_slotRows, _decision, Hidden, _output);
}
