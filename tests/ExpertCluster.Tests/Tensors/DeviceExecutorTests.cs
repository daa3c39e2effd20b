using ExpertCluster.Tensors;
using TorchSharp;

namespace ExpertCluster.Tests.Tensors;

public sealed class DeviceExecutorTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Runs_work_in_order_on_one_thread_without_gradients()
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        var order = new List<int>();
        Task[] tasks = [.. Enumerable.Range(0, 1000).Select(i => executor.RunAsync(() => order.Add(i), Ct))];
        await Task.WhenAll(tasks);
        order.Should().Equal(Enumerable.Range(0, 1000));
        int[] threads = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => executor.RunAsync(() => Environment.CurrentManagedThreadId, Ct)));
        threads.Distinct().Should().ContainSingle();
        (await executor.RunAsync(() => torch.get_num_threads(), Ct)).Should().Be(1);
        (await executor.RunAsync(torch.is_grad_enabled, Ct)).Should().BeFalse();
        executor.Queued.Should().Be(0);
    }

    [Fact]
    public async Task Frees_tensors_that_the_work_does_not_detach()
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        torch.Tensor scoped = await executor.RunAsync(() => torch.ones(3), Ct);
        torch.Tensor detached = await executor.RunAsync(() => torch.ones(3).DetachFromDisposeScope(), Ct);
        scoped.IsInvalid.Should().BeTrue();
        detached.IsInvalid.Should().BeFalse();
        await executor.RunAsync(detached.Dispose, Ct);
    }

    [Fact]
    public async Task Continuations_run_elsewhere_and_failures_reach_the_caller()
    {
        await using var executor = new DeviceExecutor("cpu", 1);
        await executor.RunAsync(() => { }, Ct);
        executor.IsCurrent.Should().BeFalse();
        Func<Task> failing = () => executor.RunAsync(() => throw new InvalidOperationException("mine"), Ct);
        await failing.Should().ThrowAsync<InvalidOperationException>().WithMessage("mine");
        Exception? posted = null;
        executor.PostFailed += (_, e) => posted = e;
        executor.Post(() => throw new InvalidOperationException("posted"));
        (await executor.RunAsync(() => 1, Ct)).Should().Be(1, "the thread survives");
        posted!.Message.Should().Be("posted");
    }

    [Fact]
    public async Task A_full_queue_says_so_and_cancelling_frees_the_place_at_once()
    {
        await using var executor = new DeviceExecutor("cpu", 1, maxQueued: 2);
        using var hold = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();
        Task running = executor.RunAsync(
            () =>
            {
                started.Set();
                hold.Wait(Ct);
            },
            Ct);
        started.Wait(Ct);
        using var cancel = new CancellationTokenSource();
        Task<int> first = executor.RunAsync(() => 1, cancel.Token);
        Task<int> second = executor.RunAsync(() => 2, Ct);
        executor.Queued.Should().Be(2);
        Action third = () => executor.Post(() => { });
        third.Should().Throw<ExecutorQueueFullException>().WithMessage("*cpu*2*");
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => first).Should().ThrowAsync<OperationCanceledException>();
        executor.Queued.Should().Be(1);
        third.Should().NotThrow();
        hold.Set();
        await running;
        (await second).Should().Be(2);
    }

    [Fact]
    public async Task After_dispose_nothing_more_is_taken_but_posted_work_still_runs()
    {
        var executor = new DeviceExecutor("cpu", 1);
        using var hold = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();
        bool freed = false;
        Task running = executor.RunAsync(
            () =>
            {
                started.Set();
                hold.Wait(Ct);
            },
            Ct);
        started.Wait(Ct);
        Task<int> waiting = executor.RunAsync(() => 1, Ct);
        executor.Post(() => freed = true);
        ValueTask end = executor.DisposeAsync();
        hold.Set();
        await end;
        await running;
        freed.Should().BeTrue();
        await FluentActions.Awaiting(() => waiting).Should().ThrowAsync<ObjectDisposedException>();
        await FluentActions.Awaiting(() => executor.RunAsync(() => 1, Ct)).Should().ThrowAsync<ObjectDisposedException>();
        bool late = false;
        executor.Free(() => late = true);
        late.Should().BeTrue();
        await executor.DisposeAsync();
    }

    [Theory]
    [InlineData("gpu", "*not known*")]
    [InlineData("cuda", "*not known*")]
    [InlineData("cuda:-1", "*not known*")]
    [InlineData("cuda:9", "*cuda:9*")]
    public void A_device_that_does_not_exist_is_refused(string device, string message)
    {
        Action create = () => _ = new DeviceExecutor(device, 1);
        create.Should().Throw<ArgumentException>().WithMessage(message);
    }

    [Fact]
    public unsafe void Wrapped_memory_is_shared_not_copied()
    {
        LibTorch.Load();
        float[] data = [1, 2, 3, 4, 5, 6];
        fixed (float* p = data)
        {
            using torch.Tensor t = TensorMemory.Wrap(p, torch.ScalarType.Float32, 2, 3);
            t.shape.Should().Equal(2, 3);
            t.mul_(2);
        }

        data.Should().Equal(2, 4, 6, 8, 10, 12);
        float[] back = new float[6];
        using torch.Tensor u = torch.arange(6, torch.ScalarType.Float32).reshape(2, 3).t();
        TensorMemory.CopyTo(u, back);
        back.Should().Equal(0, 3, 1, 4, 2, 5);
    }

    [Fact]
    public async Task What_is_due_first_runs_first_and_age_counts_from_patience_on()
    {
        await using var executor = new DeviceExecutor("cpu", 1, patience: TimeSpan.FromHours(1));
        using var hold = new ManualResetEventSlim();
        executor.Post(() => hold.Wait(Ct));
        var order = new List<string>();
        executor.Post(() => order.Add("old, in two hours"), TimeSpan.FromHours(2));
        executor.Post(() => order.Add("young, in two hours"), TimeSpan.FromHours(2));
        executor.Post(() => order.Add("in a minute"), TimeSpan.FromMinutes(1));
        executor.Post(() => order.Add("late"), TimeSpan.FromSeconds(-1));
        Task last = executor.RunAsync(() => order.Add("no deadline"), Ct);
        hold.Set();
        await last;

        order.Should().Equal("late", "in a minute", "old, in two hours", "young, in two hours", "no deadline");
    }
}
