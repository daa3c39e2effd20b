using ExpertCluster.Tests.Models.Families;

namespace ExpertCluster.Tests.Models;

/// <summary>YaRN (arXiv:2309.00071) and DeepSeek's factor of the scores, by numbers worked out by hand.</summary>
public sealed class YarnSpec
{
    private const string Latent = """
        "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "max_position_embeddings": 163840
        """;

    [Theory]
    [InlineData(0.707, 1.589626)]
    [InlineData(1.0, 1.873854)]
    public void Scores_are_scaled_by_the_square_of_the_temperature(double all, double factor)
    {
        // (0.1·m·ln 40 + 1)²: with m = 1 that is 1.3688879², with m = 0.707 it is 1.2608038².
        string config = FamilyConfigs.With("deepseek_v3", Latent + FormattableString.Invariant($$"""
            , "rope_scaling": { "type": "yarn", "factor": 40, "beta_fast": 32, "beta_slow": 1, "mscale": {{all}}, "mscale_all_dim": {{all}},
            "original_max_position_embeddings": 4096 }
            """));
        FamilyConfigs.Define(config).Decoder!.AttentionScale.Should().BeApproximately(factor / Math.Sqrt(192), 1e-6);
    }

    [Fact]
    public void Frequencies_are_kept_up_to_the_lower_bound_and_divided_from_the_upper_one_on()
    {
        double[] frequencies = Frequencies(4096);
        for (int i = 0; i < 32; i++)
        {
            // The pair that turns 32 times in 4096 positions is number 10.47, the one that turns once 22.5: rounded outwards, 10 and 23.
            double plain = Math.Pow(10000, -i / 32.0);
            double stretched = i <= 10 ? 0 : i >= 23 ? 1 : (i - 10) / 13.0;
            frequencies[i].Should().BeApproximately((plain / 40 * stretched) + (plain * (1 - stretched)), 1e-12, $"pair {i}");
        }
    }

    [Fact]
    public void The_lower_bound_is_not_below_the_first_pair()
    {
        double[] frequencies = Frequencies(32);
        frequencies[0].Should().Be(1, "no pair turns 32 times in 32 positions, and the first is kept all the same");
        frequencies[1].Should().BeApproximately(Math.Pow(10000, -1 / 32.0) * ((1 / 40.0 / 6) + (5 / 6.0)), 1e-12);
        frequencies[6].Should().BeApproximately(Math.Pow(10000, -6 / 32.0) / 40, 1e-12);
    }

    private static double[] Frequencies(int original)
    {
        string config = FamilyConfigs.With("deepseek_v3", Latent + $$"""
            , "rope_scaling": { "type": "yarn", "factor": 40, "beta_fast": 32, "beta_slow": 1, "original_max_position_embeddings": {{original}} }
            """);
        return [.. FamilyConfigs.Define(config).Decoder!.Rope!.Frequencies!];
    }
}
