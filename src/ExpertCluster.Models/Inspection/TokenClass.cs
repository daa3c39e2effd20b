namespace ExpertCluster.Models.Inspection;

/// <summary>What kind of text a token is: syntax at its coarsest.</summary>
public enum TokenClass
{
    /// <summary>Nothing but white space.</summary>
    Space,

    /// <summary>White space, then a letter: a word's beginning.</summary>
    WordStart,

    /// <summary>A letter without white space before it: a word's further part, or its beginning where no space precedes it.</summary>
    WordPart,

    /// <summary>Digits first.</summary>
    Number,

    /// <summary>Punctuation or another sign first.</summary>
    Punctuation,

    /// <summary>Part of a character, a control token, or anything else.</summary>
    Other,
}
