using ExpertCluster.Moe;

namespace ExpertCluster.Benchmarks;

/// <summary>Decisions of a gate that chooses evenly at random.</summary>
internal static class Decisions
{
    public const int TopK = 2;

    public static RoutingDecision Of(int tokens, int experts)
    {
        var random = new Random(tokens);
        var chosen = new int[tokens * TopK];
        var weights = new float[chosen.Length];
        for (var slot = 0; slot < chosen.Length; slot += TopK)
        {
            chosen[slot] = random.Next(experts);
            chosen[slot + 1] = (chosen[slot] + 1 + random.Next(experts - 1)) % experts;
            (weights[slot], weights[slot + 1]) = (0.7f, 0.3f);
        }

        return new RoutingDecision(tokens, TopK, chosen, weights);
    }
}
