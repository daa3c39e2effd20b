namespace ExpertCluster.Cluster.Routing;

/// <summary>Where the time went between a router's taking rows and the last answer. Wire, queue and compute are of the frame answered last.</summary>
/// <param name="Total">From asking the router to having all answers.</param>
/// <param name="RoundTrip">From sending that frame to having its answer.</param>
/// <param name="Queue">What it waited for its device.</param>
/// <param name="Compute">Its device's time.</param>
/// <param name="LongestCompute">The longest of any frame.</param>
public readonly record struct DispatchTiming(TimeSpan Total, TimeSpan RoundTrip, TimeSpan Queue, TimeSpan Compute, TimeSpan LongestCompute);
