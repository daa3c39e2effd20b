using ExpertCluster.Tests.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>Counts all tensors of the process, so nothing else may run meanwhile.</summary>
[Collection(Alone.Name)]
public sealed class FamilyLeakTests
{
    public static TheoryData<string, bool, int> Cases => FamilyParityTests.Cases;

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Loading_generating_and_closing_leave_no_tensor_behind(string config, bool fused, int float8)
    {
        using var folder = new TempFolder();
        TinyModels.Create(config, seed: 7, fused, float8 == 0 ? null : (float8, 12)).Write(folder.Path);
        long before = Tensor.TotalCount;
        await using (ModelFixture fixture = await ModelFixture.LoadAsync(folder.Path))
        {
            await fixture.GenerateAsync([1, 2, 3], 3);
            long loaded = await SettledAsync();
            for (int i = 0; i < 5; i++)
            {
                await fixture.GenerateAsync([1, 2, 3], 5);
            }

            (await SettledAsync()).Should().Be(loaded);

            // Frees are queued behind what runs; asking through the queue sees them done.
            Task<long> SettledAsync() => fixture.Executor.RunAsync(() => Tensor.TotalCount, TestContext.Current.CancellationToken);
        }

        Tensor.TotalCount.Should().Be(before, "closing a model frees all of it");
    }
}
