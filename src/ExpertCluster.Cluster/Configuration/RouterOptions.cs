namespace ExpertCluster.Cluster.Configuration;

/// <summary>How routers send rows to replicas.</summary>
public sealed class RouterOptions
{
    /// <summary>How long a frame may stay unanswered before its rows are sent elsewhere. 100 ms to 10 min, default 30 s: far beyond any
    /// computation, since a node that died is noticed by its connection.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Rows a router may send to a replica it has not heard of yet, 1 to 1,048,576. Default 2048.</summary>
    public int InitialCredits { get; set; } = 2048;

    /// <summary>The most rows in one frame, 1 to 1,048,576. Default 4096: larger steps are cut.</summary>
    public int MaxFrameRows { get; set; } = 4096;

    /// <summary>Frames of one layer that a node may have unanswered before further rows wait for company, 1 to 1024. Default 2: one is computed
    /// while another is on its way.</summary>
    public int FramesInFlight { get; set; } = 2;

    /// <summary>How long rows wait for company at the most, when their node is behind: 0 (never) to 1 s, and never more than a tenth of the time
    /// they have. Default 5 ms: about what a node needs for two frames. Where a node is not behind, nothing waits.</summary>
    public TimeSpan BatchWindow { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How long a replica is left alone after it was not there or busy. 1 ms to 1 min, default 100 ms.</summary>
    public TimeSpan RetryBackoff { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Computations of the same rows that may throw before the request fails, 1 to 100. Default 3. Replicas that are gone or busy
    /// do not count: those are tried until the deadline.</summary>
    public int MaxFailures { get; set; } = 3;

    /// <summary>
    /// What becomes of rows whose expert has no ready replica: <c>wait</c> (default) until there is one or the deadline passes, since a balancer that has room
    /// loads another copy within seconds, and the answer is the model's own; <c>degrade</c> answers without the expert, the weights of the token's other
    /// experts grown in its place, and marks the answer, where a worse answer now is better than a good one later; <c>fail</c> ends the request, for
    /// clients that have somewhere else to go.
    /// </summary>
    public string NoReplica { get; set; } = WaitForReplica;

    /// <summary>How long an expert may be without a ready replica before <c>degrade</c> and <c>fail</c> act, counted from when this router noticed: 0 to
    /// 1 h. Default 0, at once: whoever sets one of them has said that waiting is not wanted. A few seconds bridge the repair of a lost node.</summary>
    public TimeSpan NoReplicaPatience { get; set; }

    internal const string WaitForReplica = "wait";

    internal const string Degrade = "degrade";

    internal const string Fail = "fail";

    internal void Validate(OptionsErrors errors)
    {
        errors.Range("Router:AttemptTimeout", AttemptTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        errors.Range("Router:InitialCredits", InitialCredits, 1, 1 << 20);
        errors.Range("Router:MaxFrameRows", MaxFrameRows, 1, 1 << 20);
        errors.Range("Router:FramesInFlight", FramesInFlight, 1, 1024);
        errors.Range("Router:BatchWindow", BatchWindow, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        errors.Range("Router:RetryBackoff", RetryBackoff, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        errors.Range("Router:MaxFailures", MaxFailures, 1, 100);
        errors.Range("Router:NoReplicaPatience", NoReplicaPatience, TimeSpan.Zero, TimeSpan.FromHours(1));
        if (NoReplica is not (WaitForReplica or Degrade or Fail))
        {
            errors.Add("Router:NoReplica", NoReplica, $"must be {WaitForReplica}, {Degrade} or {Fail}");
        }
    }
}
