using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe;

public sealed class FeedForwardExpertTests
{
    private const int Rows = 3;
    private const int Hidden = 8;
    private const int Inner = 12;

    [Theory]
    [InlineData("relu", Activation.Relu, false)]
    [InlineData("relu", Activation.Relu, true)]
    [InlineData("gelu", Activation.Gelu, false)]
    [InlineData("gelu", Activation.Gelu, true)]
    [InlineData("gelu_new", Activation.GeluTanh, false)]
    [InlineData("gelu_pytorch_tanh", Activation.GeluTanh, true)]
    [InlineData("silu", Activation.Silu, false)]
    [InlineData("swish", Activation.Silu, true)]
    public async Task Equals_the_formula_in_float64(string name, Activation activation, bool biases)
    {
        Activations.TryParse(name, out Activation parsed).Should().BeTrue();
        parsed.Should().Be(activation);
        var random = new Random(5);
        (float[] wi, float[] wo, float[] bi, float[] bo) = (Draw(Inner * Hidden), Draw(Hidden * Inner), Draw(Inner), Draw(Hidden));
        float[] rows = Draw(Rows * Hidden);
        float[] output = new float[rows.Length];
        await using var executor = new DeviceExecutor("cpu", 1);
        long bytes = await executor.RunAsync(
            () =>
            {
                using var expert = new FeedForwardExpert(
                    tensor(wi, [Inner, Hidden]).DetachFromDisposeScope(),
                    biases ? tensor(bi).DetachFromDisposeScope() : null,
                    tensor(wo, [Hidden, Inner]).DetachFromDisposeScope(),
                    biases ? tensor(bo).DetachFromDisposeScope() : null,
                    activation);
                ExpertNetworkRunner.Run(expert, rows, Rows, output, CPU);
                return expert.Bytes;
            },
            TestContext.Current.CancellationToken);

        bytes.Should().Be(((2 * Hidden * Inner) + (biases ? Hidden + Inner : 0)) * 4);
        for (int row = 0; row < Rows; row++)
        {
            double[] x = [.. rows.Skip(row * Hidden).Take(Hidden).Select(v => (double)v)];
            double[] inner = [.. Product(wi, x, biases ? bi : null).Select(v => NaiveActivation.Of(name, v))];
            double[] expected = Product(wo, inner, biases ? bo : null);
            for (int i = 0; i < Hidden; i++)
            {
                ((double)output[(row * Hidden) + i]).Should().BeApproximately(expected[i], 2e-5);
            }
        }

        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 4) - 2))];
    }

    [Fact]
    public void Refuses_weights_that_do_not_fit()
    {
        LibTorch.Load();
        using Tensor first = zeros(12, 8);
        using Tensor second = zeros(8, 12);
        using Tensor narrow = zeros(8, 11);
        using Tensor eight = zeros(8);
        using Tensor twelve = zeros(12);
        Refused(() => new FeedForwardExpert(first, null, narrow, null, Activation.Relu)).WithMessage("*[12, 8]*[8, 11]*");
        Refused(() => new FeedForwardExpert(first, null, first, null, Activation.Relu)).WithMessage("*[12, 8]*[12, 8]*");
        Refused(() => new FeedForwardExpert(first, eight, second, null, Activation.Relu)).WithMessage("*[8]*[12]*firstBias*");
        Refused(() => new FeedForwardExpert(first, twelve, second, twelve, Activation.Relu)).WithMessage("*[12]*[8]*secondBias*");
        Refused(() => new FeedForwardExpert(first, twelve, second, eight, (Activation)9)).WithMessage("*No such activation*");

        static AwesomeAssertions.Specialized.ExceptionAssertions<ArgumentException> Refused(Func<IExpertNetwork> create) =>
            create.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Names_of_activations_that_are_not_known_are_not_guessed()
    {
        Activations.TryParse("gelu_fast", out _).Should().BeFalse();
        Activations.TryParse("ReLU", out _).Should().BeFalse();
        Activations.TryParse(null, out _).Should().BeFalse();
        Activations.Names.Should().Contain(["relu", "gelu", "gelu_new", "gelu_pytorch_tanh", "silu"]);
    }

    private static double[] Product(float[] w, double[] x, float[]? bias)
    {
        var y = new double[w.Length / x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = bias?[i] ?? 0;
            for (int j = 0; j < x.Length; j++)
            {
                y[i] += w[(i * x.Length) + j] * x[j];
            }
        }

        return y;
    }
}
