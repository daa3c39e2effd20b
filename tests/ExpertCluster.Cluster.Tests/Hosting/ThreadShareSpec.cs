using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Cluster.Tests.Embedded;

namespace ExpertCluster.Cluster.Tests.Hosting;

public sealed class ThreadShareSpec
{
    [Theory]
    [InlineData(16, 1, 16)]
    [InlineData(16, 3, 5)]
    [InlineData(2, 3, 1)]
    [InlineData(1, 1, 1)]
    public void Nodes_share_the_cores_and_each_has_one_thread_at_least(int cores, int nodes, int share) =>
        ThreadShare.Of(cores, nodes).Should().Be(share);

    [Fact]
    public async Task Nodes_of_one_machine_take_their_share_and_more_when_one_is_gone()
    {
        await using var cluster = await FolioCluster.StartAsync(
            3, configure: (_, node) => node.Experts.Threads = 0, cancellationToken: TestContext.Current.CancellationToken);
        await HaveThreadsAsync(ThreadShare.Of(Environment.ProcessorCount, 3));

        await cluster.CrashAsync(2);

        await HaveThreadsAsync(ThreadShare.Of(Environment.ProcessorCount, 2));
        cluster.Runtimes.Take(2).Should().OnlyContain(node => node.Description!.Threads == node.Host!.Executor.Threads);

        Task HaveThreadsAsync(int threads) => Eventually.HoldsAsync(
            () => cluster.Runtimes.Take(2).All(node => node.Host!.Executor.Threads == threads), $"every node has {threads} threads");
    }
}
