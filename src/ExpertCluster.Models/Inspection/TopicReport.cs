namespace ExpertCluster.Models.Inspection;

/// <summary>What the text a token is from tells about its experts.</summary>
/// <param name="File">Text and expert. Chance: windows dealt to texts at random.</param>
/// <param name="Reached">Part of those deals, the true one included, that tell as much: small when it is no accident.</param>
/// <param name="GivenToken">
/// What the text tells when the token is known already, since texts differ in their tokens. Chance: the choices of equal tokens dealt
/// at random, the exact mean; it takes tokens for independent and is therefore somewhat too low.
/// </param>
public sealed record TopicReport(Information File, double Reached, Information GivenToken);
