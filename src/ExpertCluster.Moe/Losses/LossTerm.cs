using ExpertCluster.Moe.Routing;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>A training loss of a gate.</summary>
/// <param name="Name">Its name in <see cref="GateResult.Losses"/>.</param>
/// <param name="Coefficient">Its share in <see cref="GateResult.TotalLoss"/>.</param>
/// <param name="Compute">Makes a scalar from the decision.</param>
public sealed record LossTerm(string Name, double Coefficient, Func<GateResult, Tensor> Compute)
{
    /// <summary>GShard and Switch: <see cref="LoadBalancingLoss.FirstChoice"/> per group.</summary>
    public static LossTerm FirstChoice(double coefficient) => new(
        "load-balancing", coefficient,
        r => LoadBalancingLoss.FirstChoice(r.Scores!.Probabilities, r.Selection!.Experts, r.Slots.Groups));

    /// <summary><see cref="LoadBalancingLoss.Union"/> per group.</summary>
    public static LossTerm Union(double coefficient) => new(
        "load-balancing", coefficient, r => LoadBalancingLoss.Union(r.Scores!.Probabilities, r.Selection!.Experts, r.Slots.Groups));

    /// <summary><see cref="LoadBalancingLoss.PerChoice"/> (Mixtral).</summary>
    public static LossTerm PerChoice(double coefficient) => new(
        "load-balancing", coefficient, r => LoadBalancingLoss.PerChoice(r.Scores!.Probabilities, r.Selection!.Experts));

    /// <summary><see cref="LoadBalancingLoss.MegaBlocks"/>.</summary>
    public static LossTerm MegaBlocks(double coefficient) => new(
        "load-balancing", coefficient, r => LoadBalancingLoss.MegaBlocks(r.Scores!.Probabilities, r.Selection!.Experts));

    /// <summary><see cref="LoadBalancingLoss.SequenceWise"/> with a group per sequence.</summary>
    public static LossTerm SequenceWise(double coefficient) => new(
        "sequence-balance", coefficient,
        r => LoadBalancingLoss.SequenceWise(r.Scores!.Probabilities, r.Selection!.Experts, r.Slots.Groups));

    /// <summary>ST-MoE's <see cref="RouterZLoss"/>.</summary>
    public static LossTerm Z(double coefficient) => new("z", coefficient, r => RouterZLoss.Compute(r.Scores!.Logits));

    /// <summary>Shazeer's importance: CV² of the sums of the gates actually used.</summary>
    public static LossTerm GateImportance(double coefficient) => new(
        "importance", coefficient, r => ImportanceLoss.OfChoices(r.Slots.Weight, r.Selection!.Experts, r.Slots.Experts));

    /// <summary>V-MoE's importance: CV² of the sums of the full softmax without noise.</summary>
    public static LossTerm SoftmaxImportance(double coefficient) => new(
        "importance", coefficient, r => ImportanceLoss.Compute(r.Scores!.Logits.softmax(-1), ImportanceVariance.Population));

    /// <summary>Shazeer's <see cref="LoadLoss.Shazeer"/>.</summary>
    public static LossTerm ShazeerLoad(double coefficient) => new(
        "load", coefficient, r => LoadLoss.Shazeer(r.Scores!, r.Selection!.Experts));

    /// <summary>V-MoE's <see cref="LoadLoss.VMoe"/>.</summary>
    public static LossTerm VMoeLoad(double coefficient) => new(
        "load", coefficient, r => LoadLoss.OfChoices(r.Scores!, r.Selection!.Experts));

    /// <summary>Computes all terms and their weighted sum.</summary>
    internal static GateResult Apply(IReadOnlyList<LossTerm> terms, GateResult result)
    {
        if (terms.Count == 0)
        {
            return result;
        }

        var losses = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        Tensor? total = null;
        foreach (LossTerm term in terms)
        {
            Tensor loss = term.Compute(result);
            losses.Add(term.Name, loss);
            Tensor weighted = loss * term.Coefficient;
            total = total is null ? weighted : total + weighted;
        }

        return result with { Losses = losses, TotalLoss = total };
    }
}
