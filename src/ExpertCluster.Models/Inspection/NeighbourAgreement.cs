namespace ExpertCluster.Models.Inspection;

/// <summary>
/// How often a token and the next one go to the same expert: the repetitions of Mixtral of Experts (arXiv:2401.04088), section 5, table 5. That paper
/// compares with even loads (1/E for first choices); here chance is two tokens of the texts picked at random, so an uneven load is not
/// taken for agreement.
/// </summary>
/// <param name="Pairs">Neighbours counted; none across windows.</param>
/// <param name="First">Part of them with the same first choice.</param>
/// <param name="FirstByChance">The same for two different tokens at random: <c>Σ n(n−1) / (N(N−1))</c> over first choices.</param>
/// <param name="Any">Part of them that share at least one of their k experts.</param>
/// <param name="AnyByChance">The same for two different tokens at random; over all pairs in short texts, else over drawn ones.</param>
public sealed record NeighbourAgreement(long Pairs, double First, double FirstByChance, double Any, double AnyByChance);
