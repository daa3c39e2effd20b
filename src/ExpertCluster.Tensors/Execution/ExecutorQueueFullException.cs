namespace ExpertCluster.Tensors;

/// <summary>A <see cref="DeviceExecutor"/> has as many work items waiting as it may hold. Nothing was queued; try again later.</summary>
public sealed class ExecutorQueueFullException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="device">The executor's device.</param>
    /// <param name="limit">How many items may wait.</param>
    public ExecutorQueueFullException(string device, int limit)
        : base($"The executor of device {device} has {limit} work items waiting, which is its limit (maxQueued); try again later.")
    {
        Device = device;
        Limit = limit;
    }

    /// <summary>The executor's device.</summary>
    public string Device { get; }

    /// <summary>How many items may wait.</summary>
    public int Limit { get; }
}
