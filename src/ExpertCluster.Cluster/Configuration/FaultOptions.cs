namespace ExpertCluster.Cluster.Configuration;

/// <summary>Switches by which a drill rehearses faults on a node. Off in production.</summary>
public sealed class FaultOptions
{
    /// <summary>Whether there are any. Off by default: nothing of it is loaded then, and the control file is not looked at.</summary>
    public bool Enabled { get; set; }

    /// <summary>A JSON file that says which faults act now, read again ten times a second; while it does not exist none does. Such as
    /// <c>{ "block": ["127.0.0.1:4054"], "answerDelayMs": 200 }</c>.</summary>
    public string? ControlFile { get; set; }

    internal void Validate(OptionsErrors errors)
    {
        if (Enabled)
        {
            errors.NotEmpty("Faults:ControlFile", ControlFile);
        }
    }
}
