namespace ExpertCluster.Client;

/// <summary>
/// Where the time of one layer call went inside the cluster. Experts compute at the same time on several nodes; wire, queue and compute are
/// those of the frame that was answered last. What the caller measures beyond the sum is its own way to the gateway and back.
/// </summary>
/// <param name="Gate">The gate on the gateway's device, waiting for the device included.</param>
/// <param name="Router">Grouping rows, choosing replicas and taking answers, beyond what frames took on their way.</param>
/// <param name="Wire">From the router to a node's experts and back: both directions, with every hand-over between threads.</param>
/// <param name="Queue">Waiting for the device of that node.</param>
/// <param name="Compute">On that device.</param>
/// <param name="Combine">The weighted sum.</param>
/// <param name="LongestCompute">The longest any node's device took.</param>
public sealed record LayerTiming(
    TimeSpan Gate, TimeSpan Router, TimeSpan Wire, TimeSpan Queue, TimeSpan Compute, TimeSpan Combine, TimeSpan LongestCompute);
