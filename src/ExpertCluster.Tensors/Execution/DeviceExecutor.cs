using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace ExpertCluster.Tensors;

/// <summary>
/// Owns the one thread that touches tensors on a device. Work runs in the order in which it is due: its deadline, or
/// <see cref="Patience"/> after it was queued if that comes first, so that age decides among those with time and nothing waits for ever. It
/// runs under <c>no_grad</c> and inside a <see cref="DisposeScope"/> of its own; a tensor that should survive the work must be detached from
/// that scope by the work.
/// </summary>
/// <remarks>
/// Work must be synchronous: TorchSharp's scopes belong to a thread, so nothing may await inside. Completions never run their
/// continuations on the executor's thread.
/// </remarks>
public sealed class DeviceExecutor : IAsyncDisposable
{
    // A hand-over between layers usually follows within microseconds; longer spinning would take the core from other executors.
    private const int SpinsBeforeSleep = 20;

    private readonly PriorityQueue<ExecutorWork, (long Due, long Number)> _queue = new();
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Thread _thread;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _maxQueued;
    private readonly long _patience;
    private long _number;
    private int _threads;
    private int _queued;
    private bool _sleeping;
    private volatile bool _disposed;

    /// <summary>Loads libtorch when that hasn't happened, checks the device and starts the thread.</summary>
    /// <param name="device"><c>cpu</c>, or <c>cuda:N</c>.</param>
    /// <param name="threads">libtorch threads for work of this executor, at least 1.</param>
    /// <param name="maxQueued">How many work items may wait, at least 1.</param>
    /// <param name="patience">How long after it was queued work is due at the latest; 100 ms where null, several steps of a busy node.</param>
    /// <exception cref="ArgumentException">The device name is malformed or no such device exists.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> or <paramref name="maxQueued"/> is below 1, or
    /// <paramref name="patience"/> is negative.</exception>
    /// <exception cref="LibTorchNotFoundException">libtorch does not load.</exception>
    public DeviceExecutor(string device, int threads, int maxQueued = 65536, TimeSpan? patience = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(device);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxQueued, 1);
        Patience = patience ?? TimeSpan.FromMilliseconds(100);
        ArgumentOutOfRangeException.ThrowIfLessThan(Patience, TimeSpan.Zero, nameof(patience));
        LibTorch.Load();
        TorchDevice = DeviceName.Resolve(device);
        Device = device;
        _threads = threads;
        _maxQueued = maxQueued;
        _patience = (long)(Patience.TotalSeconds * Stopwatch.Frequency);
        _thread = new Thread(Loop) { IsBackground = true, Name = "torch " + device };
        _thread.Start();
        _started.Task.GetAwaiter().GetResult();
    }

    /// <summary>Raised on the executor's thread when work given to <see cref="Post(Action)"/> throws.</summary>
    public event Action<DeviceExecutor, Exception>? PostFailed;

    /// <summary>The device's name as given.</summary>
    public string Device { get; }

    /// <summary>The device as TorchSharp knows it.</summary>
    public Device TorchDevice { get; }

    /// <summary>libtorch threads for work of this executor.</summary>
    public int Threads => Volatile.Read(ref _threads);

    /// <summary>The longest that work waits before it is due.</summary>
    public TimeSpan Patience { get; }

    /// <summary>Work items waiting, the running one not counted.</summary>
    public int Queued => Volatile.Read(ref _queued);

    /// <summary>Whether the caller runs on this executor's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Gives work from here on another number of libtorch threads. Sums may then round differently.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public void SetThreads(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Volatile.Write(ref _threads, threads);
        Free(() => set_num_threads(Threads));
    }

    /// <summary>Queues work and returns its result.</summary>
    /// <param name="work">Runs on the executor's thread.</param>
    /// <param name="ct">Takes the work out of the queue while it has not started.</param>
    /// <exception cref="ExecutorQueueFullException">Too much work is waiting.</exception>
    /// <exception cref="ObjectDisposedException">The executor is disposed, now or before the work started.</exception>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (ct.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(ct);
        }

        var item = new AwaitedWork<T>(work, ct);
        Enqueue(item, Patience);
        item.ObserveCancellation(Withdrawn);
        return item.Task;
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public Task RunAsync(Action work, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        return RunAsync(
            () =>
            {
                work();
                return true;
            },
            ct);
    }

    /// <summary>
    /// Runs work now when the caller is on the executor's thread, else queues it and blocks until it is done. For loading and
    /// other work outside the flow of requests.
    /// </summary>
    public T Run<T>(Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        return IsCurrent ? work() : RunAsync(work).GetAwaiter().GetResult();
    }

    /// <summary>Queues work nobody waits for; it runs even when the executor is disposed meanwhile.</summary>
    /// <exception cref="ExecutorQueueFullException">Too much work is waiting.</exception>
    /// <exception cref="ObjectDisposedException">The executor is disposed.</exception>
    public void Post(Action work) => Post(work, Patience);

    /// <inheritdoc cref="Post(Action)"/>
    /// <param name="work">Runs on the executor's thread.</param>
    /// <param name="remaining">Time until its deadline; it goes before all that is due later.</param>
    public void Post(Action work, TimeSpan remaining)
    {
        ArgumentNullException.ThrowIfNull(work);
        Enqueue(new PostedWork(work, e => PostFailed?.Invoke(this, e)), remaining);
    }

    /// <summary>
    /// Frees native objects on the executor's thread, whatever its state: beyond the queue's limit, and on the caller's thread
    /// once the executor's is gone.
    /// </summary>
    public void Free(Action free)
    {
        ArgumentNullException.ThrowIfNull(free);
        if (TryEnqueue(new PostedWork(free, e => PostFailed?.Invoke(this, e)), Patience, int.MaxValue))
        {
            return;
        }

        if (!IsCurrent)
        {
            _ended.Task.Wait();
        }

        free();
    }

    /// <summary>
    /// Ends the thread after the running work item. Waiting items whose result somebody awaits fail with
    /// <see cref="ObjectDisposedException"/>; posted ones still run.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _wake.Release();
        await _ended.Task.ConfigureAwait(false);
    }

    private void Enqueue(ExecutorWork item, TimeSpan remaining)
    {
        if (!TryEnqueue(item, remaining, _maxQueued))
        {
            throw new ObjectDisposedException(nameof(DeviceExecutor), $"The executor of device {Device} is disposed.");
        }
    }

    private bool TryEnqueue(ExecutorWork item, TimeSpan remaining, int limit)
    {
        // What frees memory is due last of all that was queued before it, and so never runs before the work that uses it.
        long patience = remaining < Patience ? (long)(remaining.TotalSeconds * Stopwatch.Frequency) : _patience;
        bool wake;
        lock (_gate)
        {
            if (_disposed)
            {
                return false;
            }

            if (Volatile.Read(ref _queued) >= limit)
            {
                throw new ExecutorQueueFullException(Device, limit);
            }

            _queue.Enqueue(item, (Stopwatch.GetTimestamp() + patience, _number++));
            Interlocked.Increment(ref _queued);
            wake = _sleeping;
            _sleeping = false;
        }

        if (wake)
        {
            _wake.Release();
        }

        return true;
    }

    private void Withdrawn() => Interlocked.Decrement(ref _queued);

    private void Loop()
    {
        try
        {
            set_num_threads(Threads);
            using IDisposable noGrad = no_grad();
            _started.SetResult();
            while (Next() is { } item)
            {
                if (item.TryStart())
                {
                    Interlocked.Decrement(ref _queued);
                    if (_disposed && !item.RunsAtShutdown)
                    {
                        item.Refuse(new ObjectDisposedException(nameof(DeviceExecutor), $"The executor of device {Device} is disposed."));
                        continue;
                    }

                    using DisposeScope scope = NewDisposeScope();
                    item.Run();
                }
            }
        }
#pragma warning disable CA1031 // Only the set-up can throw; the constructor's caller gets it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _started.TrySetException(e);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    private ExecutorWork? Next()
    {
        var spin = default(SpinWait);
        while (true)
        {
            lock (_gate)
            {
                if (_queue.TryDequeue(out ExecutorWork? item, out _))
                {
                    _sleeping = false;
                    return item;
                }

                if (_disposed)
                {
                    return null;
                }

                if (spin.Count >= SpinsBeforeSleep)
                {
                    _sleeping = true;
                }
            }

            if (spin.Count >= SpinsBeforeSleep)
            {
                _wake.Wait();
                spin.Reset();
            }
            else
            {
                spin.SpinOnce(sleep1Threshold: -1);
            }
        }
    }
}
