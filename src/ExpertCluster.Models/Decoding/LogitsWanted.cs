namespace ExpertCluster.Models;

/// <summary>For which positions of a slice logits are computed.</summary>
public enum LogitsWanted
{
    /// <summary>None: a part of a prompt that is not its end.</summary>
    None,

    /// <summary>The last position: what sampling needs.</summary>
    Last,

    /// <summary>All positions.</summary>
    All,
}
