using ExpertCluster.Contracts;
using ExpertCluster.Node.Embedded;
using TorchSharp;

namespace ExpertCluster.Cluster.Tests.Embedded;

public sealed class EmbeddedClusterFaultSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_that_dies_during_generation_changes_no_token()
    {
        await using var cluster = await FolioCluster.StartAsync(3, cancellationToken: Stop);
        var prompt = cluster.Model.Encode("ROMEO:");
        var expected = await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 48), cancellationToken: Stop);

        Task? crash = null;
        var answer = await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 48), count =>
        {
            if (count == 5)
            {
                crash = cluster.CrashAsync(2);
            }
        }, Stop);
        await crash!;

        answer.Should().Equal(expected);
        cluster.Gateway.Board.IsComplete("folio-moe", cluster.Model.Shape.MoeLayers).Should().BeTrue();
    }

    [Fact]
    public async Task With_two_copies_a_dead_node_is_not_waited_for()
    {
        await using var cluster = await FolioCluster.StartAsync(3, configure: (_, node) => node.Balancer.Copies = 2, cancellationToken: Stop);
        await Eventually.HoldsAsync(
            () => cluster.Runtimes.Sum(r => r.Host!.CountOf("folio-moe")) == 64, "two copies of each of 32 experts");
        var placed = cluster.Model.Shape.MoeLayers.SelectMany(l => cluster.Gateway.Board.Routes("folio-moe", l)!.Placement.Replicas).ToArray();
        placed.GroupBy(r => (r.Replica.Layer, r.Replica.Expert)).Should().OnlyContain(g => g.Select(r => r.Node).Distinct().Count() == 2);
    }

    [Fact]
    public async Task Cancelling_frees_cache_and_place()
    {
        await using var cluster = await FolioCluster.StartAsync(1, configure: (_, node) => node.Gateway.MaxActive = 1, cancellationToken: Stop);
        var prompt = cluster.Model.Encode("ROMEO:");
        using var cancel = new CancellationTokenSource();
        var tokens = 0;
        var first = FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 400), count =>
        {
            tokens = count;
            if (count == 3)
            {
                cancel.Cancel();
            }
        }, cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        tokens.Should().BeLessThan(400);
        await Eventually.HoldsAsync(
            () => cluster.Model.Statistics is { Active: 0, Waiting: 0, KvBytes: 0 }, "nothing active, waiting or reserved");
        (await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 2), cancellationToken: Stop)).Should().HaveCount(2);
    }

    [Fact]
    public async Task A_full_queue_says_when_to_come_again()
    {
        await using var cluster = await FolioCluster.StartAsync(1, configure: (_, node) =>
        {
            node.Gateway.MaxActive = 1;
            node.Gateway.MaxQueued = 1;
        }, cancellationToken: Stop);
        var prompt = cluster.Model.Encode("ROMEO:");
        using var cancel = new CancellationTokenSource();
        var active = new TaskCompletionSource();
        var first = FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 450), _ => active.TrySetResult(), cancel.Token);
        await active.Task;
        var second = FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 450), cancellationToken: cancel.Token);
        await Eventually.HoldsAsync(() => cluster.Model.Statistics.Waiting == 1, "the second request waits");
        var third = await Assert.ThrowsAsync<RequestFailedException>(
            () => FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 2), cancellationToken: Stop));
        third.Error.Should().Be(RequestError.QueueFull);
        third.RetryAfter.Should().BePositive();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }

    [Fact]
    public async Task A_model_that_fits_nowhere_is_refused_with_the_numbers()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => FolioCluster.StartAsync(2, configure: (_, node) => node.Experts.MemoryBytes = 1_000_000, cancellationToken: Stop));
        error.Message.Should().Contain("393,216 bytes").And.Contain("127.0.0.1:");
    }

    [Fact]
    public async Task Experts_without_a_replica_are_named_when_the_deadline_comes()
    {
        await using var cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions
            {
                Nodes = 1,
                Models = [TestModels.Folio],
                Configure = (_, node) => node.Experts.MemoryBytes = 20 * 393_216,
            },
            cancellationToken: Stop);
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => FolioCluster.GenerateAsync(
            cluster.Model, FolioCluster.Request(cluster.Model.Encode("ROMEO:"), 4, TimeSpan.FromSeconds(3)), cancellationToken: Stop));
        error.Error.Should().Be(RequestError.ExpertsUnavailable);
        error.Message.Should().Contain("layer").And.Contain("no node has that much of its budget free");
    }

    [Fact]
    public async Task A_thousand_requests_leave_no_tensor_behind()
    {
        await using var cluster = await FolioCluster.StartAsync(3, cancellationToken: Stop);
        var prompt = cluster.Model.Encode("ROMEO:");
        await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 2), cancellationToken: Stop);
        await Eventually.HoldsAsync(() => cluster.Model.Statistics.Active == 0, "idle");
        var before = torch.Tensor.TotalCount;
        for (var i = 0; i < 1000; i++)
        {
            await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 2), cancellationToken: Stop);
        }

        await Eventually.HoldsAsync(() => torch.Tensor.TotalCount <= before, $"as many tensors as before ({before})");
    }

    [Theory]
    [InlineData("tokens")]
    [InlineData("empty")]
    [InlineData("long")]
    [InlineData("none")]
    [InlineData("layer")]
    [InlineData("rows")]
    public async Task What_is_wrong_with_a_request_is_said_before_anything_starts(string what)
    {
        await using var cluster = await FolioCluster.StartAsync(1, cancellationToken: Stop);
        var gateway = cluster.Model;
        Func<Task> call = what switch
        {
            "tokens" => () => FolioCluster.GenerateAsync(gateway, FolioCluster.Request([1, 2048], 4)),
            "empty" => () => FolioCluster.GenerateAsync(gateway, FolioCluster.Request([], 4)),
            "long" => () => FolioCluster.GenerateAsync(gateway, FolioCluster.Request(new int[512], 4)),
            "none" => () => FolioCluster.GenerateAsync(gateway, FolioCluster.Request([1], 0)),
            "layer" => () => gateway.ForwardLayerAsync("x", 4, new float[128], 1, null, Stop),
            _ => () => gateway.ForwardLayerAsync("x", 0, new float[100], 1, null, Stop),
        };
        var expected = what switch
        {
            "tokens" => "prompt[1] is 2048; token ids of folio-moe are 0 to 2047",
            "empty" => "prompt is empty",
            "long" => "prompt has 512 tokens and the context of folio-moe holds 512",
            "none" => "max-tokens is 0",
            "layer" => "layer is 4; the layers of folio-moe with experts are 0, 1, 2, 3",
            _ => "hidden is [1, 100]",
        };
        var error = await Assert.ThrowsAsync<RequestFailedException>(call);
        error.Error.Should().Be(RequestError.InvalidRequest);
        error.Message.Should().Contain(expected);
        gateway.Statistics.Steps.Should().Be(0);
    }
}
