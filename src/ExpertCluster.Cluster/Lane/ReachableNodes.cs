using System.Collections.Concurrent;

namespace ExpertCluster.Cluster.Lane;

/// <summary>Addresses that are known not to answer now. Written by the lane's actor, read by every sender.</summary>
internal sealed class ReachableNodes(TimeProvider time)
{
    /// <summary>How long a lost connection counts against an address unless membership confirms it: it may have been one of two.</summary>
    private static readonly TimeSpan LostConnection = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, (string Reason, DateTimeOffset Until)> _down = new();

    /// <summary>Why an address can not be sent to; null when it can.</summary>
    public string? WhyNot(string address) =>
        _down.TryGetValue(address, out var down) && time.GetUtcNow() < down.Until ? down.Reason : null;

    public void ConnectionLost(string address)
    {
        var until = time.GetUtcNow() + LostConnection;
        _down.AddOrUpdate(address, _ => ("its connection was lost", until), (_, old) => old.Until > until ? old : (old.Reason, until));
    }

    public void Down(string address, string reason) => _down[address] = (reason, DateTimeOffset.MaxValue);

    public void Back(string address) => _down.TryRemove(address, out _);
}
