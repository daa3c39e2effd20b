namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>One way of sending bytes to another process and getting them back.</summary>
internal interface ILaneSubject : IDisposable
{
    string Name { get; }

    /// <summary>Sends that many messages of that size, with at most <paramref name="window"/> unanswered, and returns when all came back.</summary>
    void Exchange(int bytes, int messages, int window);
}
