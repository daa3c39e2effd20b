namespace ExpertCluster.Models.Inspection;

/// <summary>A token that an expert takes more often than its frequency in the text explains.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Count">How often the expert took it.</param>
/// <param name="Of">How often it occurs in the texts.</param>
/// <param name="Lift">How many times more often than if the expert's tokens were drawn at random.</param>
public sealed record FavouriteToken(int Token, int Count, int Of, double Lift);
