namespace ExpertCluster.Models.Inspection;

/// <summary>What experts follow more.</summary>
public enum Leaning
{
    /// <summary>Neither tells anything above chance.</summary>
    Neither,

    /// <summary>The token tells more about its experts than the text it is from.</summary>
    Syntax,

    /// <summary>The text tells more than the token.</summary>
    Topic,
}
