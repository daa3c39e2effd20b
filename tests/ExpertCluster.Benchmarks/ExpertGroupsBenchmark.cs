using BenchmarkDotNet.Attributes;
using ExpertCluster.Moe;

namespace ExpertCluster.Benchmarks;

/// <summary>Slots of a batch by expert.</summary>
[MemoryDiagnoser]
public class ExpertGroupsBenchmark
{
    private RoutingDecision _decision = null!;

    /// <summary>T.</summary>
    [Params(1, 32, 1024)]
    public int Tokens { get; set; }

    /// <summary>E.</summary>
    [Params(8, 64)]
    public int Experts { get; set; }

    /// <summary>Makes the decision.</summary>
    [GlobalSetup]
    public void SetUp() => _decision = Decisions.Of(Tokens, Experts);

    /// <summary>Groups them.</summary>
    [Benchmark]
    public ExpertGroups Build() => ExpertGroups.Build(_decision, Experts);
}
