using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Routing;

/// <summary>What a router knows of the room at each replica it sends to.</summary>
internal sealed class ReplicaCredits(int initial)
{
    private readonly Dictionary<ReplicaId, Account> _accounts = [];

    /// <summary>Rows the replica may be sent now; 0 while it is avoided.</summary>
    public int Free(ReplicaId replica, DateTimeOffset now) =>
        !_accounts.TryGetValue(replica, out var account) ? initial
        : now < account.AvoidUntil ? 0
        // A replica that holds none of our rows always takes some: its last word may be old.
        : account.InFlight == 0 ? Math.Max(account.Granted, 1)
        : Math.Max(0, account.Granted - account.InFlight);

    /// <summary>Rows were sent.</summary>
    public void Send(ReplicaId replica, int rows)
    {
        var account = Of(replica);
        account.InFlight += rows;
    }

    /// <summary>Rows were answered, and the replica said how much room it has.</summary>
    public void Answer(ReplicaId replica, int rows, int granted)
    {
        var account = Of(replica);
        account.InFlight -= rows;
        account.Granted = granted;
    }

    /// <summary>Rows were lost, or the replica wants to be left alone for a while.</summary>
    public void Avoid(ReplicaId replica, int rows, DateTimeOffset until)
    {
        var account = Of(replica);
        account.InFlight -= rows;
        account.Granted = initial;
        account.AvoidUntil = until;
    }

    /// <summary>Forgets replicas that are no more.</summary>
    public void Keep(IReadOnlySet<ReplicaId> replicas)
    {
        foreach (var (replica, account) in _accounts)
        {
            if (account.InFlight == 0 && !replicas.Contains(replica))
            {
                _accounts.Remove(replica);
            }
        }
    }

    private Account Of(ReplicaId replica)
    {
        if (!_accounts.TryGetValue(replica, out var account))
        {
            _accounts[replica] = account = new Account { Granted = initial };
        }

        return account;
    }

    private sealed class Account
    {
        public int Granted { get; set; }

        public int InFlight { get; set; }

        public DateTimeOffset AvoidUntil { get; set; }
    }
}
