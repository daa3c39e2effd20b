using ExpertCluster.Models;
using ExpertCluster.Models.Synthetic;
using ExpertCluster.Moe;
using ExpertCluster.Tests.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Models;

/// <summary>Counts all tensors of the process, so nothing else may run meanwhile.</summary>
[Collection(Alone.Name)]
public sealed class TensorLeakTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_hundred_generations_leave_no_tensor_behind()
    {
        using TempFolder folder = TestCheckpoints.Write(new SyntheticCheckpointOptions { SlidingWindow = 24 });
        await using ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path);
        await fixture.GenerateAsync(Ids(30, 0), 10);

        // What tests before this one left to the finalizer would be counted now and not later.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = await SettledAsync();
        for (int i = 0; i < 200; i++)
        {
            await fixture.GenerateAsync(Ids(1 + (i % 40), i), 10);
            using DecoderSequence sequence = fixture.Model.NewSequence();
            await FluentActions.Awaiting(() => fixture.Model.StepAsync(
                [new StepSlice(sequence, new[] { 1, 2 }, LogitsWanted.All)], new FailingBackend(fixture.Experts, 1), Ct)).Should().ThrowAsync<IOException>();
        }

        (await SettledAsync()).Should().Be(before);

        // Frees are queued behind what runs; asking through the queue sees them done.
        Task<long> SettledAsync() => fixture.Executor.RunAsync(() => Tensor.TotalCount, Ct);
    }

    [Fact]
    public async Task Running_experts_and_reading_tensors_leave_none_behind()
    {
        using TempFolder folder = TestCheckpoints.Write();
        long before = Tensor.TotalCount;
        await using (ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path))
        {
            (await fixture.Executor.RunAsync(
                () =>
                {
                    using IExpertNetwork expert = fixture.Checkpoint.LoadExpert(0, 0, CPU);
                    long loaded = Tensor.TotalCount;
                    ExpertNetworkRunner.Run(expert, new float[3 * 32], 3, new float[3 * 32], CPU);
                    return Tensor.TotalCount - loaded;
                },
                Ct)).Should().Be(0);
        }

        Tensor.TotalCount.Should().Be(before, "closing a model frees all of it");
    }

    private static int[] Ids(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(3, 64))];
    }
}
