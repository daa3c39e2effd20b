using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe;

public sealed class SwiGluExpertTests
{
    [Fact]
    public async Task Equals_the_formula()
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        float[] rows = [.. Enumerable.Range(0, 3 * 8).Select(i => MathF.Sin(i))];
        float[] output = new float[rows.Length];
        (float error, long bytes) = await executor.RunAsync(
            () =>
            {
                Tensor w1 = randn(12, 8);
                Tensor w2 = randn(8, 12);
                Tensor w3 = randn(12, 8);
                using SwiGluExpert expert = SwiGluExpert.FromParts(w1, w2, w3);
                ExpertNetworkRunner.Run(expert, rows, 3, output, CPU);
                Tensor x = tensor(rows).reshape(3, 8);
                Tensor expected = (nn.functional.silu(x.mm(w1.t())) * x.mm(w3.t())).mm(w2.t());
                return ((tensor(output).reshape(3, 8) - expected).abs().max().item<float>(), expert.Bytes);
            },
            TestContext.Current.CancellationToken);
        error.Should().BeLessThan(1e-4f);
        bytes.Should().Be(3 * 8 * 12 * 4);
    }

    [Fact]
    public void Refuses_weights_and_buffers_that_do_not_fit()
    {
        LibTorch.Load();
        using Tensor fused = zeros(24, 8);
        using Tensor down = zeros(8, 11);
        Action create = () => _ = new SwiGluExpert(fused, down);
        create.Should().Throw<ArgumentException>().WithMessage("*[24, 8]*[8, 11]*");
        using Tensor good = zeros(8, 12);
        using var expert = new SwiGluExpert(fused.alias(), good.alias());
        Action run = () => ExpertNetworkRunner.Run(expert, new float[15], 2, new float[16], CPU);
        run.Should().Throw<ArgumentException>();
        ExpertNetworkRunner.Run(expert, default, 0, default, CPU);
    }
}
