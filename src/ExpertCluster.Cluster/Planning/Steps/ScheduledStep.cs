namespace ExpertCluster.Cluster.Planning.Steps;

/// <summary>A step with the figures it was taken at.</summary>
/// <param name="Expert">The expert.</param>
/// <param name="From">Device, or −1.</param>
/// <param name="To">Device, or −1.</param>
/// <param name="Before">Largest device time before it.</param>
/// <param name="After">And after it.</param>
/// <param name="FromTime">Time of <paramref name="From"/> before it.</param>
/// <param name="ToTime">Time of <paramref name="To"/> before it.</param>
/// <param name="Copies">Copies of the expert after it.</param>
/// <param name="Transient">Whether <paramref name="To"/> then has a replica more than slots.</param>
internal readonly record struct ScheduledStep(
    int Expert, int From, int To, double Before, double After, double FromTime, double ToTime, int Copies, bool Transient);
