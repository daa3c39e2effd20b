using ExpertCluster.Moe;
using ExpertCluster.Moe.Layers;
using ExpertCluster.Tensors;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Tests.Moe.Experts;

/// <summary>Every text that may be compiled is compiled and run here: one that does not compile would end the process.</summary>
public sealed class ScriptsSpec : IDisposable
{
    private const int Hidden = 16;
    private const int Width = 24;
    private const int Experts = 5;

    private readonly IDisposable _noGrad;
    private readonly IDisposable _scope;

    public ScriptsSpec()
    {
        LibTorch.Load();
        _noGrad = no_grad();
        _scope = NewDisposeScope();
    }

    public void Dispose()
    {
        _scope.Dispose();
        _noGrad.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_script_of_experts_by_themselves_gives_their_answers(bool grouped)
    {
        jit.CompilationUnit unit = FixedScript.Compile(ExpertScripts.Text(grouped && FixedScript.HasGroupedProduct));
        SwiGluExpert[] experts = [.. Enumerable.Range(0, 2).Select(e => (SwiGluExpert)RandomExperts.Create("swiglu", Hidden, Width, e))];
        Tensor rows = tensor(RandomExperts.Rows(5, Hidden, 1)).reshape(5, Hidden);
        Tensor plan = tensor(new long[] { Hidden, 5, 2, 0, 0, 3, 0, 0 });
        var answers = unit.invoke<Tensor>(
            "experts", rows.reshape(-1), plan, experts.Select(e => e.GateAndUp).ToArray(), experts.Select(e => e.Down).ToArray());
        Tensor expected = cat([experts[0].Forward(rows.narrow(0, 0, 2)), experts[1].Forward(rows.narrow(0, 2, 3))], 0);
        answers.equal(expected).all().item<bool>().Should().BeTrue();
    }

    /// <summary>In bfloat16 weights and sums are rounded too: some eight bits.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 1, 1e-5f)]
    [InlineData(ScalarType.Float32, 40, 1e-5f)]
    [InlineData(ScalarType.BFloat16, 1, 0.02f)]
    [InlineData(ScalarType.BFloat16, 40, 0.02f)]
    public void A_scripted_layer_is_gate_experts_and_weighted_sum(ScalarType type, int tokens, float tolerance)
    {
        Tensor gate = randn([Experts, Hidden], generator: new Generator(3, CPU));
        using ScriptedLayer layer = ScriptedLayer.Load(
            gate.clone().DetachFromDisposeScope(), 2, e => RandomExperts.Create("swiglu", Hidden, Width, e, type));
        layer.IsGrouped.Should().Be(type == ScalarType.BFloat16 && FixedScript.HasGroupedProduct);
        float[] rows = RandomExperts.Rows(tokens, Hidden, 5);
        Tensor x = tensor(rows).reshape(tokens, Hidden);
        float[] actual = layer.Forward(x).to(ScalarType.Float32).data<float>().ToArray();
        float[] expected = Expected(rows, tokens, x.mm(gate.t()).data<float>().ToArray(), type);
        actual.Zip(expected, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(tolerance * expected.Max(Math.Abs));
        layer.Products(
            zeros(2 * tokens, Hidden, type), zeros(2 * tokens, Width, type),
            tensor(Enumerable.Repeat(2 * tokens, Experts).ToArray(), ScalarType.Int32));
    }

    [Fact]
    public void A_scripted_layer_refuses_other_experts() =>
        FluentActions.Invoking(() => ScriptedLayer.Load(zeros(2, Hidden).DetachFromDisposeScope(), 1, e => RandomExperts.Create("relu", Hidden, Width, e)))
            .Should().Throw<ArgumentException>().WithMessage("*Expert 0*SwiGLU*");

    private static float[] Expected(float[] rows, int tokens, float[] logits, ScalarType type)
    {
        RoutingDecision routing = TopKGate.Route(logits, tokens, Experts, 2, renormalise: true);
        var sums = new float[rows.Length];
        for (int slot = 0; slot < routing.Slots; slot++)
        {
            using IExpertNetwork expert = RandomExperts.Create("swiglu", Hidden, Width, routing.Experts[slot], type);
            int start = slot / 2 * Hidden;
            var answer = new float[Hidden];
            ExpertNetworkRunner.Run(expert, rows.AsMemory(start, Hidden), 1, answer, CPU);
            for (int h = 0; h < Hidden; h++)
            {
                sums[start + h] += routing.Weights[slot] * answer[h];
            }
        }

        return sums;
    }
}
