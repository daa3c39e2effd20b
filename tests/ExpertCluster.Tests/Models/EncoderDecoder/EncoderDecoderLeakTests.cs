using ExpertCluster.Models;
using ExpertCluster.Tests.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Models.EncoderDecoder;

/// <summary>Counts all tensors of the process, so nothing else may run meanwhile.</summary>
[Collection(Alone.Name)]
public sealed class EncoderDecoderLeakTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Configs => EncoderDecoderParityTests.Configs;

    [Theory]
    [MemberData(nameof(Configs))]
    public async Task Generating_failing_and_closing_leave_no_tensor_behind(string config)
    {
        using var folder = new TempFolder();
        TinyEncoderDecoders.Create(config, seed: 3).Write(folder.Path);
        long before = Tensor.TotalCount;
        await using (ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path))
        {
            await fixture.GenerateAsync([4, 5, 6], 3);
            long loaded = await SettledAsync();
            for (int i = 0; i < 20; i++)
            {
                await fixture.GenerateAsync([4, 5, 6], 5);
                using DecoderSequence sequence = fixture.Model.NewSequence();
                bool sparseEncoder = fixture.Model.Shape.MoeLayers[0] < fixture.Model.Shape.EncoderLayers;
                Func<Task> failing = () => fixture.Model.StepAsync(
                    [new StepSlice(sequence, new[] { 1, 2 }, LogitsWanted.None, Encode: true)], new FailingBackend(fixture.Experts, fixture.Model.Shape.MoeLayers[0]), Ct);
                if (sparseEncoder)
                {
                    await failing.Should().ThrowAsync<IOException>();
                }
            }

            (await SettledAsync()).Should().Be(loaded);

            // Frees are queued behind what runs; asking through the queue sees them done.
            Task<long> SettledAsync() => fixture.Executor.RunAsync(() => Tensor.TotalCount, Ct);
        }

        Tensor.TotalCount.Should().Be(before, "closing a model frees all of it");
    }
}
