using CsCheck;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Experts;

/// <summary>
/// On the CPU libtorch computes each group of a grouped product by the product that an expert alone is computed by, so answers are compared
/// bit for bit. On a device the kernels differ, and answers would agree within the rounding of bfloat16 only.
/// </summary>
public sealed class ExpertSlabsSpec : IDisposable
{
    private const int Hidden = 32;
    private const int Width = 24;

    private readonly IDisposable _scope;
    private readonly IDisposable _noGrad;
    private readonly ExpertSlabs _slabs = new();
    private readonly ExpertBatchRunner _runner;

    public ExpertSlabsSpec()
    {
        LibTorch.Load();
        _runner = new ExpertBatchRunner(CPU);
        _noGrad = no_grad();
        _scope = NewDisposeScope();
    }

    public void Dispose()
    {
        _runner.Dispose();
        _scope.Dispose();
        _noGrad.Dispose();
    }

    [Fact]
    public void Grouped_answers_are_those_of_each_expert_alone_whatever_the_group_sizes()
    {
        IExpertNetwork[] packed = Packed(7, expected: 4);
        _slabs.Count.Should().Be(4, "four experts have a slab together, and three that were not expected one each");
        IExpertNetwork[] alone = [.. Enumerable.Range(0, 7).Select(Expert)];
        Gen.OneOf(Gen.Const(0), Gen.Int[0, 9], Gen.Int[0, 200]).Array[7].Sample(
            counts => Same(packed, alone, counts),
            iter: 60, threads: 1);
        Free([.. packed, .. alone]);
    }

    [Fact]
    public void Segments_of_one_expert_are_one_product_wherever_they_stand_in_a_batch()
    {
        IExpertNetwork[] packed = Packed(3, expected: 3);
        using IExpertNetwork second = Expert(1);
        ushort[] rows = Bits(9, 1);
        var (whole, first, other, rest) = (new ushort[rows.Length], new ushort[4 * Hidden], new ushort[2 * Hidden], new ushort[5 * Hidden]);
        _runner.Run([new ExpertSegment(second, rows, 9, whole)]);
        _runner.Run(
        [
            new(packed[1], rows.AsMemory(0, 4 * Hidden), 4, first), new(packed[0], Bits(2, 7), 2, other),
            new(packed[1], rows.AsMemory(4 * Hidden), 5, rest),
        ]);
        first.Concat(rest).Should().Equal(whole);
        Free(packed);
    }

    [Fact]
    public void A_slot_that_is_left_is_taken_by_the_next_expert()
    {
        IExpertNetwork[] packed = Packed(4, expected: 4);
        _slabs.Room.Should().Be((4, 4));
        packed[1].Dispose();
        packed[1].Dispose();
        _slabs.Room.Should().Be((4, 3), "a slot is left once");
        packed[1] = _slabs.Pack(Expert(9), expected: 4);
        _slabs.Room.Should().Be((4, 4));
        _slabs.Count.Should().Be(1);
        IExpertNetwork[] alone = [Expert(0), Expert(9), Expert(2), Expert(3)];
        Same(packed, alone, [3, 0, 1, 5]).Should().BeTrue();
        Same(packed, alone, [3, 2, 0, 5]).Should().BeTrue();
        Free([.. packed, .. alone]);
    }

    [Fact]
    public void An_expert_may_go_while_the_others_of_its_slab_compute_on()
    {
        IExpertNetwork[] packed = Packed(3, expected: 3);
        IExpertNetwork[] alone = [Expert(0), Expert(2)];
        packed[1].Dispose();
        Same([packed[0], packed[2]], alone, [4, 6]).Should().BeTrue();
        Free([packed[0], packed[2], .. alone]);
    }

    [Fact]
    public void A_slab_goes_with_its_last_expert()
    {
        IExpertNetwork[] packed = Packed(5, expected: 2);
        ExpertSlab[] slabs = [.. packed.Select(e => ((SwiGluExpert)e).Slot!.Slab).Distinct()];
        slabs.Select(s => s.Slots).Should().Equal(2, 1, 1, 1);
        Free(packed[1..]);
        slabs[0].GateAndUp.IsInvalid.Should().BeFalse("one lives there");
        packed[0].Dispose();
        _slabs.Count.Should().Be(0);
        _slabs.Room.Should().Be((0, 0));
        slabs.Should().OnlyContain(s => s.GateAndUp.IsInvalid && s.Down.IsInvalid);
    }

    [Fact]
    public void More_experts_than_a_slab_has_slots_make_several()
    {
        IExpertNetwork[] packed = Packed(ExpertSlabs.MaxSlots + 3, expected: ExpertSlabs.MaxSlots + 3);
        IExpertNetwork[] alone = [.. Enumerable.Range(0, packed.Length).Select(Expert)];
        _slabs.Count.Should().Be(2);
        _slabs.Room.Should().Be((packed.Length, packed.Length));
        Same(packed, alone, [.. Enumerable.Range(0, packed.Length).Select(e => e % 4)]).Should().BeTrue();
        Free([.. packed, .. alone]);
    }

    [Theory]
    [InlineData("swiglu", 32, 24, ScalarType.Float32)]
    [InlineData("swiglu", 32, 20, ScalarType.BFloat16)]
    [InlineData("swiglu", 36, 24, ScalarType.BFloat16)]
    [InlineData("geglu", 32, 24, ScalarType.BFloat16)]
    [InlineData("relu", 32, 24, ScalarType.BFloat16)]
    public void What_no_grouped_product_computes_stays_as_it_is(string kind, int hidden, int width, ScalarType type)
    {
        using IExpertNetwork expert = RandomExperts.Create(kind, hidden, width, 1, type);
        _slabs.Pack(expert, 8).Should().BeSameAs(expert);
        _slabs.Count.Should().Be(0);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Experts_in_slabs_and_others_of_every_kind_share_a_batch(ScalarType type)
    {
        using var runner = new ExpertBatchRunner(CPU, ExpertBatchRunner.DefaultStagingBytes, staged: true);
        IExpertNetwork[] experts = [.. RandomExperts.Kinds.Select((kind, i) => RandomExperts.Create(kind, Hidden, Width, i, type)), .. Packed(2, 2)];
        float[][] inputs = [.. experts.Select((_, i) => RandomExperts.Rows(i + 1, Hidden, i))];
        float[][] outputs = [.. inputs.Select(i => new float[i.Length])];
        runner.Run([.. experts.Select((e, i) => new ExpertSegment(e, inputs[i], i + 1, outputs[i])).Reverse()]);
        for (int i = 0; i < experts.Length; i++)
        {
            var expected = new float[inputs[i].Length];
            ExpertNetworkRunner.Run(experts[i], inputs[i], i + 1, expected, CPU);
            outputs[i].Should().Equal(expected);
        }

        Free(experts);
    }

    [Fact]
    public void In_bfloat16_every_step_is_rounded_as_by_the_layers_of_a_model_in_bfloat16()
    {
        using IExpertNetwork expert = Expert(1);
        ushort[] rows = Bits(5, 2);
        var answer = new ushort[rows.Length];
        _runner.Run([new ExpertSegment(expert, rows, 5, answer)]);
        var values = new float[rows.Length];
        BFloat16Rows.Widen(rows, values);
        var swiglu = (SwiGluExpert)expert;
        Tensor x = tensor(values).reshape(5, Hidden).to(ScalarType.BFloat16);
        Tensor gate = nn.functional.silu(nn.functional.linear(x, swiglu.GateAndUp.narrow(0, 0, Width)));
        Tensor y = nn.functional.linear(gate * nn.functional.linear(x, swiglu.GateAndUp.narrow(0, Width, Width)), swiglu.Down);
        BFloat16Rows.Widen(answer, values);
        values.Should().Equal(y.to(ScalarType.Float32).data<float>().ToArray());
    }

    private static void Free(IExpertNetwork[] experts) => Array.ForEach(experts, e => e.Dispose());

    private static IExpertNetwork Expert(int seed) => RandomExperts.Create("swiglu", Hidden, Width, seed, ScalarType.BFloat16);

    private static ushort[] Bits(int rows, int seed)
    {
        var bits = new ushort[rows * Hidden];
        BFloat16Rows.Narrow(RandomExperts.Rows(rows, Hidden, seed), bits);
        return bits;
    }

    private IExpertNetwork[] Packed(int count, int expected) => [.. Enumerable.Range(0, count).Select(e => _slabs.Pack(Expert(e), expected))];

    private bool Same(IExpertNetwork[] packed, IExpertNetwork[] alone, int[] counts)
    {
        ushort[][] inputs = [.. counts.Select(Bits)];
        ushort[][] grouped = [.. inputs.Select(i => new ushort[i.Length])];
        ushort[][] expected = [.. inputs.Select(i => new ushort[i.Length])];
        _runner.Run([.. counts.Select((n, i) => new ExpertSegment(packed[i], inputs[i], n, grouped[i]))]);
        for (int i = 0; i < counts.Length; i++)
        {
            _runner.Run([new ExpertSegment(alone[i], inputs[i], counts[i], expected[i])]);
        }

        return Enumerable.Range(0, counts.Length).All(i => grouped[i].AsSpan().SequenceEqual(expected[i]));
    }
}
