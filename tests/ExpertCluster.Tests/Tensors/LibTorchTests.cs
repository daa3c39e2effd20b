using ExpertCluster.Tensors;
using TorchSharp;

namespace ExpertCluster.Tests.Tensors;

public sealed class LibTorchTests
{
    [Fact]
    public void Loads_once_from_many_threads()
    {
        Parallel.For(0, 8, _ => LibTorch.Load());
        TestContext.Current.TestOutputHelper!.WriteLine(
            string.Join('\n', LibTorch.Info.Trace) + "\n" + LibTorch.Info);
        // Lines that say TorchSharp's internals have changed; its own search would then load a second libtorch.
        LibTorch.Info.Trace.Should().NotContain(line => line.Contains("no field") || line.Contains("another resolver"));
        using torch.Tensor sum = torch.ones(3).sum();
        sum.item<float>().Should().Be(3);
    }
}
