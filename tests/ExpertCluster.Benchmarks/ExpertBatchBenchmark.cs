using BenchmarkDotNet.Attributes;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using TorchSharp;

namespace ExpertCluster.Benchmarks;

/// <summary>Four SwiGLU experts of one layer on the CPU, 1 thread: one call for each, the batch runner, and its way through staging in bfloat16.</summary>
[MemoryDiagnoser]
public class ExpertBatchBenchmark
{
    private const int Experts = 4;

    private readonly IExpertNetwork[] _whole = new IExpertNetwork[Experts];
    private readonly IExpertNetwork[] _half = new IExpertNetwork[Experts];
    private readonly IExpertNetwork[] _packed = new IExpertNetwork[Experts];
    private readonly ExpertSlabs _slabs = new();
    private float[][] _rows = [];
    private float[][] _answers = [];
    private ExpertSegment[] _float32 = [];
    private ExpertSegment[] _bfloat16 = [];
    private ExpertSegment[] _grouped = [];
    private ExpertBatchRunner _runner = null!;
    private IDisposable _noGrad = null!;

    /// <summary>Rows of each expert.</summary>
    [Params(1, 16, 256)]
    public int Rows { get; set; }

    /// <summary>H; F is twice that.</summary>
    [Params(128, 1024)]
    public int Hidden { get; set; }

    /// <summary>Makes experts and rows.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        LibTorch.Load();
        torch.set_num_threads(1);
        _noGrad = torch.no_grad();
        _runner = new ExpertBatchRunner(torch.CPU);
        var random = new Random(1);
        for (var expert = 0; expert < Experts; expert++)
        {
            _whole[expert] = Make(torch.ScalarType.Float32);
            _half[expert] = Make(torch.ScalarType.BFloat16);
            _packed[expert] = _slabs.Pack(Make(torch.ScalarType.BFloat16), Experts);
        }

        _rows = [.. Enumerable.Range(0, Experts).Select(_ => Enumerable.Range(0, Rows * Hidden).Select(_ => random.NextSingle() - 0.5f).ToArray())];
        _answers = [.. _rows.Select(rows => new float[rows.Length])];
        _float32 = Segments(_whole);
        _bfloat16 = Segments(_half);
        _grouped = Segments(_packed);
    }

    /// <summary>As it was before.</summary>
    [Benchmark(Baseline = true)]
    public void OneCallEach()
    {
        for (var expert = 0; expert < Experts; expert++)
        {
            ExpertNetworkRunner.Run(_whole[expert], _rows[expert], Rows, _answers[expert], torch.CPU);
        }
    }

    /// <summary>Where the rows lie.</summary>
    [Benchmark]
    public void Batch() => _runner.Run(_float32);

    /// <summary>Through staging, one product after the other in one script call.</summary>
    [Benchmark]
    public void BatchInBfloat16() => _runner.Run(_bfloat16);

    /// <summary>Through staging, two grouped products.</summary>
    [Benchmark]
    public void GroupedInBfloat16() => _runner.Run(_grouped);

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void CleanUp()
    {
        foreach (var expert in _whole.Concat(_half).Concat(_packed))
        {
            expert.Dispose();
        }

        _runner.Dispose();
        _noGrad.Dispose();
    }

    private SwiGluExpert Make(torch.ScalarType type)
    {
        using var gate = torch.randn([2 * Hidden, Hidden]).mul_(0.03).to(type);
        using var up = torch.randn([2 * Hidden, Hidden]).mul_(0.03).to(type);
        using var down = torch.randn([Hidden, 2 * Hidden]).mul_(0.03).to(type);
        return SwiGluExpert.FromParts(gate, down, up);
    }

    private ExpertSegment[] Segments(IExpertNetwork[] experts) =>
        [.. experts.Select((expert, i) => new ExpertSegment(expert, _rows[i], Rows, _answers[i]))];
}
