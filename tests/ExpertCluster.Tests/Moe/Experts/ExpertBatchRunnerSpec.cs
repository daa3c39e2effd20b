using CsCheck;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Tests.Moe.Experts;

public sealed class ExpertBatchRunnerSpec : IDisposable
{
    private readonly IDisposable _scope;
    private readonly IDisposable _noGrad;

    public ExpertBatchRunnerSpec()
    {
        LibTorch.Load();
        _noGrad = no_grad();
        _scope = NewDisposeScope();
    }

    public static TheoryData<string> Kinds => [.. RandomExperts.Kinds];

    public void Dispose()
    {
        _scope.Dispose();
        _noGrad.Dispose();
    }

    /// <summary>128 × 33 values lie on one side of the size up to which rows are copied, 32 on the other.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void On_the_cpu_float32_gives_the_bits_of_one_call_for_each_expert(string kind)
    {
        const int hidden = 128;
        using var runner = new ExpertBatchRunner(CPU);
        IExpertNetwork[] experts = [.. Enumerable.Range(0, 4).Select(e => RandomExperts.Create(kind, hidden, 80, e))];
        int[] counts = [1, 2, 3, 5, 31, 32, 33, 64, 1, 300];
        for (int round = 0; round < 2; round++)
        {
            float[][] inputs = [.. counts.Select((n, i) => RandomExperts.Rows(n, hidden, i + round))];
            float[][] outputs = [.. inputs.Select(i => new float[i.Length])];
            runner.Run([.. counts.Select((n, i) => new ExpertSegment(experts[i % 4], inputs[i], n, outputs[i]))]);
            for (int i = 0; i < counts.Length; i++)
            {
                outputs[i].Should().Equal(Alone(experts[i % 4], inputs[i]), "{0} rows are a product of their own", counts[i]);
            }
        }

        Array.ForEach(experts, e => e.Dispose());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Through_staging_buffers_each_expert_answers_as_alone(string kind)
    {
        const int hidden = 64;
        using var runner = new ExpertBatchRunner(CPU, ExpertBatchRunner.DefaultStagingBytes, staged: true);
        IExpertNetwork[] experts = [.. Enumerable.Range(0, 5).Select(e => RandomExperts.Create(kind, hidden, 48, e))];
        Gen.Int[0, 40].Array[5].Sample(
            counts =>
            {
                float[][] inputs = [.. counts.Select((n, i) => RandomExperts.Rows(n, hidden, i))];
                float[][] outputs = [.. inputs.Select(i => new float[i.Length])];
                runner.Run([.. counts.Select((n, i) => new ExpertSegment(experts[i], inputs[i], n, outputs[i]))]);
                return Enumerable.Range(0, 5).All(i => outputs[i].SequenceEqual(Alone(experts[i], inputs[i])));
            },
            iter: 30, threads: 1);
        Array.ForEach(experts, e => e.Dispose());
    }

    /// <summary>Rows of several segments for one expert are one product there, so the last bits may differ.</summary>
    [Fact]
    public void More_rows_than_a_staging_buffer_holds_go_in_turns_and_come_back_to_their_segments()
    {
        const int hidden = 256;
        using var runner = new ExpertBatchRunner(CPU, 64 << 10, staged: true);
        IExpertNetwork[] experts = [.. Enumerable.Range(0, 3).Select(e => RandomExperts.Create("swiglu", hidden, 32, e))];
        int[] counts = [40, 64, 1, 63, 65, 200, 7];
        float[][] inputs = [.. counts.Select((n, i) => RandomExperts.Rows(n, hidden, i))];
        float[][] outputs = [.. inputs.Select(i => new float[i.Length])];
        runner.Run([.. counts.Select((n, i) => new ExpertSegment(experts[i % 3], inputs[i], n, outputs[i]))]);
        for (int i = 0; i < counts.Length; i++)
        {
            Largest(outputs[i], Alone(experts[i % 3], inputs[i])).Should().BeLessThan(1e-5f);
        }

        Array.ForEach(experts, e => e.Dispose());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_fault_of_one_segment_leaves_the_others_their_answers(bool staged)
    {
        using var runner = new ExpertBatchRunner(CPU, ExpertBatchRunner.DefaultStagingBytes, staged);
        using IExpertNetwork good = RandomExperts.Create("swiglu", 16, 8, 1);
        using var bad = new Faulty();
        float[] rows = RandomExperts.Rows(2, 16, 3);
        var (first, second, third) = (new float[32], new float[32], new float[32]);
        var failures = new Exception?[] { new InvalidOperationException("of the batch before"), null, null };
        runner.Run([new(good, rows, 2, first), new(bad, rows, 2, second), new(good, rows, 2, third)], failures);
        failures[0].Should().BeNull();
        failures[1].Should().BeOfType<NotSupportedException>();
        failures[2].Should().BeNull();
        first.Should().Equal(Alone(good, rows));
        third.Should().Equal(first);
        FluentActions.Invoking(() => runner.Run([new(good, rows, 2, first), new(bad, rows, 2, second)])).Should().Throw<NotSupportedException>();
    }

    [Fact]
    public void Experts_of_several_hidden_sizes_and_types_may_share_a_batch()
    {
        using var runner = new ExpertBatchRunner(CPU);
        using IExpertNetwork narrow = RandomExperts.Create("swiglu", 16, 8, 1);
        using IExpertNetwork wide = RandomExperts.Create("relu", 32, 8, 2);
        using IExpertNetwork half = RandomExperts.Create("swiglu", 16, 8, 3, ScalarType.BFloat16);
        float[] rows = RandomExperts.Rows(2, 32, 3);
        var (a, b, c) = (new float[32], new float[64], new float[32]);
        runner.Run([new(half, rows, 2, c), new(narrow, rows, 2, a), new(wide, rows, 2, b)]);
        a.Should().Equal(Alone(narrow, rows[..32]));
        b.Should().Equal(Alone(wide, rows));
        c.Should().Equal(Alone(half, rows[..32]));
    }

    [Fact]
    public void Bfloat16_rows_for_a_float32_expert_are_widened_and_its_answers_rounded()
    {
        using var runner = new ExpertBatchRunner(CPU);
        using IExpertNetwork expert = RandomExperts.Create("swiglu", 16, 8, 1);
        var bits = new ushort[48];
        BFloat16Rows.Narrow(RandomExperts.Rows(3, 16, 3), bits);
        var (rows, answer, expected) = (new float[48], new ushort[48], new ushort[48]);
        BFloat16Rows.Widen(bits, rows);
        BFloat16Rows.Narrow(Alone(expert, rows), expected);
        runner.Run([new ExpertSegment(expert, bits, 3, answer)]);
        answer.Should().Equal(expected);
    }

    [Fact]
    public void Nothing_to_compute_is_no_work()
    {
        var runner = new ExpertBatchRunner(CPU);
        using IExpertNetwork expert = RandomExperts.Create("swiglu", 16, 8, 1);
        runner.Run([]);
        runner.Run([new ExpertSegment(expert, default(ReadOnlyMemory<float>), 0, default)]);
        FluentActions.Invoking(() => new ExpertSegment(expert, new float[31], 2, new float[32])).Should().Throw<ArgumentException>().WithMessage("*31*2 rows of 16*");
        FluentActions.Invoking(() => new ExpertSegment(expert, new ushort[32], 2, new ushort[31])).Should().Throw<ArgumentException>().WithMessage("*31*2 rows of 16*");
        FluentActions.Invoking(() => runner.Run([new ExpertSegment(expert, new float[16], 1, new float[16])], [])).Should().Throw<ArgumentException>();
        runner.Dispose();
        FluentActions.Invoking(() => runner.Run([])).Should().Throw<ObjectDisposedException>();
    }

    private static float[] Alone(IExpertNetwork expert, float[] rows)
    {
        var output = new float[rows.Length];
        ExpertNetworkRunner.Run(expert, rows, rows.Length / expert.HiddenSize, output, CPU);
        return output;
    }

    private static float Largest(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max();

    private sealed class Faulty : IExpertNetwork
    {
        public int HiddenSize => 16;

        public ScalarType Type => ScalarType.Float32;

        public long Bytes => 0;

        public Tensor Forward(Tensor rows) => throw new NotSupportedException("this expert never answers");

        public void Dispose()
        {
        }
    }
}
