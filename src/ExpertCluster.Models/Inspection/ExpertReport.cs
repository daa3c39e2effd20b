namespace ExpertCluster.Models.Inspection;

/// <summary>What one expert takes.</summary>
/// <param name="Expert">Its index in the layer.</param>
/// <param name="Assignments">How often it was among a token's k experts.</param>
/// <param name="Share">Its part of the layer's assignments; the shares of a layer sum to 1, an even one is 1/E.</param>
/// <param name="FirstShare">Its part of the first choices.</param>
/// <param name="TokenBits">Entropy of the token ids it took, in bits.</param>
/// <param name="TokenBitsByChance">That of as many tokens drawn at random from the texts, on average.</param>
/// <param name="Kept">After a token whose first choice it was, how often it is the next token's too; null when never first with a token after.</param>
/// <param name="FileShares">Its part of the assignments of each text.</param>
/// <param name="Favourites">Tokens it takes most above their frequency, best first.</param>
public sealed record ExpertReport(
    int Expert, long Assignments, double Share, double FirstShare, double TokenBits, double TokenBitsByChance, double? Kept,
    IReadOnlyList<double> FileShares, IReadOnlyList<FavouriteToken> Favourites)
{
    /// <summary>How much narrower than chance its choice of tokens is, in bits; weighted by share they sum to the layer's excess.</summary>
    public double Specialisation => TokenBitsByChance - TokenBits;
}
