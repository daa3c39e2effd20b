namespace ExpertCluster.Cluster.Configuration;

/// <summary>When experts move, and how fast.</summary>
public sealed class RebalanceOptions
{
    /// <summary>Whether load moves experts at all. Default true; what a lost or leaving node held is placed again in any case.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How often drift is looked for. 1 s to 1 h, default 5 s: a few of them confirm a drift within a quarter of a minute.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Balancedness of a layer (mean ÷ largest node load) below which its placement is in question, 0 to 1. Default 0.9.</summary>
    public double TriggerBalancedness { get; set; } = 0.9;

    /// <summary>Balancedness at which a layer that was planned for without success counts as calm again, <see cref="TriggerBalancedness"/> to 1.
    /// Default 0.93: a load that hovers about the trigger is planned for once, not every time it crosses.</summary>
    public double RearmBalancedness { get; set; } = 0.93;

    /// <summary>Distance (total variation, 0 to 1) between the present load and the one last planned for, above which the placement is in question;
    /// what chance alone makes of so few rows is taken off before. Default 0.1: noise of 5 % on every expert makes 0.025.</summary>
    public double TriggerDistance { get; set; } = 0.1;

    /// <summary>Distance at which a layer counts as calm again, 0 to <see cref="TriggerDistance"/>. Default 0.05.</summary>
    public double RearmDistance { get; set; } = 0.05;

    /// <summary>Looks in a row that must agree, 1 to 100. Default 3: a burst is no drift.</summary>
    public int Confirmations { get; set; } = 3;

    /// <summary>After a plan nothing is planned for drift for so long. 0 to 24 h, default 20 s: two half-lives of the statistics, after which three
    /// quarters of them are newer than the plan.</summary>
    public TimeSpan CoolDown { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Least part of the slowest nodes' time that a plan must save, 0 to 1. Default 0.03: what noise of 5 % on the loads can feign.</summary>
    public double MinGain { get; set; } = 0.03;

    /// <summary>Least tokens of a layer in its window for its load to count, 1 to 1e12. Default 1000: with fewer, chance is larger than drift.</summary>
    public long MinTokens { get; set; } = 1000;

    /// <summary>Replicas of each layer beyond <c>Balancer:Copies</c> of each expert, for hot experts. 0 to 65,536, default 0. Under skew these bring
    /// most of the balance; each takes the memory of one expert.</summary>
    public int SpareReplicas { get; set; }

    /// <summary>Copies of a plan that load at once, 1 to 1024. Default 1: more compete with requests for the nodes' disks and cores.</summary>
    public int MaxConcurrentMoves { get; set; } = 1;

    /// <summary>The most copies that one plan makes, 1 to 1,000,000. Default 64; what remains is left to the next plan.</summary>
    public int MaxMovesPerPlan { get; set; } = 64;

    /// <summary>Bytes of weights that plans read per second, over all nodes; 0 for no limit, at most 1e15. Default 200 MB/s: a fifth of a 10 Gbit/s
    /// link.</summary>
    public long MaxBytesPerSecond { get; set; } = 200_000_000;

    /// <summary>How long a step may take before it is undone. 1 s to 24 h, default 2 min.</summary>
    public TimeSpan StepTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>A node whose rows take so many times the median of all nodes is given nothing until it is faster again. 1.5 to 1000, default 3:
    /// beyond what unequal machines and a busy neighbour explain.</summary>
    public double SlowNodeFactor { get; set; } = 3;

    /// <summary>Decisions that are kept, 10 to 10,000,000. Default 1000.</summary>
    public int History { get; set; } = 1000;

    internal void Validate(OptionsErrors errors)
    {
        errors.Range("Rebalance:Interval", Interval, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        errors.Range("Rebalance:TriggerBalancedness", TriggerBalancedness, 0, 1);
        errors.Range("Rebalance:TriggerDistance", TriggerDistance, 0, 1);
        errors.Range("Rebalance:RearmBalancedness", RearmBalancedness, 0, 1);
        errors.Range("Rebalance:RearmDistance", RearmDistance, 0, 1);
        if (RearmBalancedness >= 0 && TriggerBalancedness <= 1 && RearmBalancedness < TriggerBalancedness)
        {
            errors.Add("Rebalance:RearmBalancedness", RearmBalancedness, $"must not be below Rebalance:TriggerBalancedness, which is {TriggerBalancedness}");
        }

        if (RearmDistance <= 1 && TriggerDistance >= 0 && RearmDistance > TriggerDistance)
        {
            errors.Add("Rebalance:RearmDistance", RearmDistance, $"must not be above Rebalance:TriggerDistance, which is {TriggerDistance}");
        }

        errors.Range("Rebalance:Confirmations", Confirmations, 1, 100);
        errors.Range("Rebalance:CoolDown", CoolDown, TimeSpan.Zero, TimeSpan.FromHours(24));
        errors.Range("Rebalance:MinGain", MinGain, 0, 1);
        errors.Range("Rebalance:MinTokens", MinTokens, 1, 1_000_000_000_000);
        errors.Range("Rebalance:SpareReplicas", SpareReplicas, 0, 65_536);
        errors.Range("Rebalance:MaxConcurrentMoves", MaxConcurrentMoves, 1, 1024);
        errors.Range("Rebalance:MaxMovesPerPlan", MaxMovesPerPlan, 1, 1_000_000);
        errors.Range("Rebalance:MaxBytesPerSecond", MaxBytesPerSecond, 0, 1_000_000_000_000_000);
        errors.Range("Rebalance:StepTimeout", StepTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24));
        errors.Range("Rebalance:SlowNodeFactor", SlowNodeFactor, 1.5, 1000);
        errors.Range("Rebalance:History", History, 10, 10_000_000);
    }
}
