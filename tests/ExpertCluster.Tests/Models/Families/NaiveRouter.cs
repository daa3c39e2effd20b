namespace ExpertCluster.Tests.Models.Families;

/// <summary>The gates of the families in float64, one token at a time, by sorting.</summary>
internal static class NaiveRouter
{
    public static IEnumerable<(int Expert, double Weight)> Choose(TinyModel m, double[] logits, double[]? correction)
    {
        int k = m.Int("num_experts_per_tok", 2);
        double total = logits.Sum(Math.Exp);
        string family = m.Config["model_type"]!.ToString();
        double[] scores = [.. logits.Select(l => family == "deepseek_v3" ? 1 / (1 + Math.Exp(-l)) : Math.Exp(l) / total)];
        double[] choice = [.. scores.Select((s, i) => s + (correction?[i] ?? 0))];
        int groups = family == "deepseek_v3" || m.Config["topk_method"]?.ToString() == "group_limited_greedy" ? m.Int("n_group", 1) : 1;
        int size = logits.Length / groups;
        int best = family == "deepseek_v3" ? 2 : 1;
        int[] kept = [.. Enumerable.Range(0, groups)
            .OrderByDescending(g => choice.Skip(g * size).Take(size).OrderDescending().Take(best).Sum()).Take(m.Int("topk_group", 1))];
        int[] chosen = [.. Enumerable.Range(0, logits.Length).Where(e => groups == 1 || kept.Contains(e / size)).OrderByDescending(e => choice[e]).Take(k)];
        bool normalise = family == "gpt_oss" || m.Flag("norm_topk_prob", family is "deepseek_v3" or "glam");
        double sum = normalise ? chosen.Sum(e => scores[e]) : 1;
        double scale = m.Config["routed_scaling_factor"]?.GetValue<double>() ?? 1;
        return chosen.Select(e => (e, scores[e] / sum * scale));
    }
}
