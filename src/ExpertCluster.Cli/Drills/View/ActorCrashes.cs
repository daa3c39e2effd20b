using System.Text.RegularExpressions;

namespace ExpertCluster.Cli.Drills.View;

/// <summary>
/// Actors of the cluster and of its sharding that threw, as the nodes' logs tell. Their supervisors start them again and nobody asks why; what they
/// held or were asked meanwhile may be lost. Connections that broke are no crash.
/// </summary>
internal sealed partial class ActorCrashes
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _crashes = [];

    /// <summary>How often, by node, actor and exception.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _crashes.Select(c => $"{c.Value} × {c.Key}")];
            }
        }
    }

    /// <summary>All of them.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _crashes.Values.Sum();
            }
        }
    }

    /// <summary>Takes a line of a node's log.</summary>
    public void Read(string node, string line)
    {
        if (Pattern().Match(line) is { Success: true } match)
        {
            lock (_gate)
            {
                var key = $"{node} {match.Groups["actor"].Value}: {match.Groups["error"].Value}";
                _crashes[key] = _crashes.GetValueOrDefault(key) + 1;
            }
        }
    }

    [GeneratedRegex(@"\[ERROR\].*\[akka://expertcluster/(?<actor>(?:user|system/sharding)/[^\]]*)\] .*?Cause: (?<error>(?!Akka\.Remote)[\w.]+Exception: [^:]*?)(?:\s+at |$)")]
    private static partial Regex Pattern();
}
