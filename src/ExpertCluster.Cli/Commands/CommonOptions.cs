using System.CommandLine;

namespace ExpertCluster.Cli.Commands;

/// <summary>Options that several commands share, each made anew since an option belongs to one command.</summary>
internal static class CommonOptions
{
    /// <summary>Where the routers' demand is recorded.</summary>
    public static Option<string?> Record() => new("--record")
    {
        Description = "Record what this process's routers ask experts for in this file, as lines of JSON. One that exists is written anew.",
    };

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object for machines; it ends with \"checks\"." };

    public static Option<bool> Verbose() => new("--verbose") { Description = "Log to standard error." };

    public static Option<int> Nodes(int initial) => new("--nodes")
    {
        Description = "Nodes of the cluster started inside this process, 1 to 64.",
        DefaultValueFactory = _ => initial,
    };

    public static Option<int> Threads() => new("--threads")
    {
        Description = "libtorch threads of each node. With the same number, results are the same for any number of nodes.",
        DefaultValueFactory = _ => 1,
    };
}
