namespace ExpertCluster.Models;

/// <summary>
/// Reads the rotary embedding of a config.json in the spelling of transformers 5 (<c>rope_parameters</c>) or before
/// (<c>rope_theta</c>, <c>rope_scaling</c>). Kinds: default, linear, llama3, yarn; others are refused by name.
/// </summary>
internal static class RopeConfig
{
    private static readonly Dictionary<string, string[]> Known = new(StringComparer.Ordinal)
    {
        ["default"] = ["factor"],
        ["linear"] = ["factor"],
        ["llama3"] = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
        ["yarn"] =
        [
            "factor", "beta_fast", "beta_slow", "original_max_position_embeddings", "attention_factor", "mscale", "mscale_all_dim", "truncate",
        ],
    };

    /// <summary>Reads and checks.</summary>
    /// <param name="config">The file.</param>
    /// <param name="width">Width of what may be rotated.</param>
    /// <param name="absent">θ when the file names none.</param>
    /// <param name="maxContext">max_position_embeddings.</param>
    /// <exception cref="ModelException">A kind or key that is not known, or a value out of range.</exception>
    public static RopeSpec Read(ConfigFile config, int width, double absent, int maxContext)
    {
        double theta = config.Number("rope_theta", 1, 1e12, absent);
        double part = config.Number("partial_rotary_factor", 0, 1, 1);
        if (Section(config) is not { } section)
        {
            return new RopeSpec { Theta = theta, Width = Rotated(config, width, part) };
        }

        theta = section.Number("rope_theta", 1, 1e12, theta);
        int rotated = Rotated(section, width, section.Number("partial_rotary_factor", 0, 1, part));
        string kind = Kind(section);
        var plain = new RopeSpec { Theta = theta, Width = rotated };
        return kind switch
        {
            "linear" => plain with { Frequencies = [.. Plain(plain).Select(f => f / Required(section, "factor"))] },
            "llama3" => plain with { Frequencies = Llama3(section, plain) },
            "yarn" => Yarn(section, plain, maxContext),
            _ => plain,
        };
    }

    /// <summary>
    /// What YaRN multiplies DeepSeek's attention scores with: (0.1 · mscale_all_dim · ln factor + 1)², 1 without it
    /// (deepseek-ai/DeepSeek-V3, inference/model.py).
    /// </summary>
    public static double ScoreFactor(ConfigFile config)
    {
        if (Section(config) is not { } section || Kind(section) != "yarn")
        {
            return 1;
        }

        double all = section.Number("mscale_all_dim", 0, 100, 0);
        double scale = all == 0 ? 1 : Temperature(section.Number("factor", 1, 1e6, 1), all);
        return scale * scale;
    }

    private static ConfigFile? Section(ConfigFile config) =>
        config.Has("rope_parameters") && config.Has("rope_scaling")
            ? throw config.Error("rope_scaling", "stands beside rope_parameters; keep one of them.")
            : config.Section("rope_parameters") ?? config.Section("rope_scaling");

    private static string Kind(ConfigFile section)
    {
        string key = section.Has("rope_type") || !section.Has("type") ? "rope_type" : "type";
        string kind = section.Text(key) ?? "default";
        if (!Known.TryGetValue(kind, out string[]? keys))
        {
            throw section.Error(key, $"is \"{kind}\", which is not supported; known are: {string.Join(", ", Known.Keys)}.");
        }

        if (kind == "default")
        {
            section.OnlyOneOf("factor", "1");
        }

        return section.Keys.FirstOrDefault(k => k is not ("rope_type" or "type" or "rope_theta" or "partial_rotary_factor") && !keys.Contains(k)) is { } other
            ? throw section.Error(other, $"is not known for rope_type {kind}.")
            : kind;
    }

    private static int Rotated(ConfigFile config, int width, double part)
    {
        int rotated = (int)(width * part);
        return rotated >= 2 && rotated % 2 == 0
            ? rotated
            : throw config.Error("partial_rotary_factor", $"makes {rotated} of {width} rotated; that must be an even number from 2 on.");
    }

    private static double[] Plain(RopeSpec rope) =>
        [.. Enumerable.Range(0, rope.Width / 2).Select(i => Math.Pow(rope.Theta, -2.0 * i / rope.Width))];

    private static double Required(ConfigFile section, string key) =>
        section.Has(key) ? section.Number(key, 1, 1e9, 1) : throw section.Missing(key);

    // Llama 3.1 (arXiv:2407.21783): long waves are stretched by the factor, short ones not, those between in part.
    private static double[] Llama3(ConfigFile section, RopeSpec plain)
    {
        double factor = Required(section, "factor");
        double low = Required(section, "low_freq_factor");
        double high = Required(section, "high_freq_factor");
        double original = Required(section, "original_max_position_embeddings");
        if (high <= low)
        {
            throw section.Error("high_freq_factor", $"is {high}; it must be above low_freq_factor {low}.");
        }

        return [.. Plain(plain).Select(f =>
        {
            double smooth = Math.Clamp(((original * f / (2 * Math.PI)) - low) / (high - low), 0, 1);
            return ((1 - smooth) * f / factor) + (smooth * f);
        })];
    }

    // YaRN (Peng et al. 2023, arXiv:2309.00071, section 3.2), with the options that DeepSeek and GPT-OSS added.
    private static RopeSpec Yarn(ConfigFile section, RopeSpec plain, int maxContext)
    {
        int half = plain.Width / 2;
        double original = section.Number("original_max_position_embeddings", 1, 1e9, maxContext);
        double factor = section.Number("factor", 1, 1e6, Math.Max(1, maxContext / original));
        double low = Turn(section.Number("beta_fast", 0.001, 1e6, 32));
        double high = Turn(section.Number("beta_slow", 0.001, 1e6, 1));
        if (section.Flag("truncate", true))
        {
            low = Math.Floor(low);
            high = Math.Ceiling(high);
        }

        low = Math.Max(low, 0);
        high = Math.Min(high, plain.Width - 1);
        double span = high == low ? 0.001 : high - low;
        double[] frequencies = [.. Plain(plain).Select((f, i) =>
        {
            double stretched = Math.Clamp((i - low) / span, 0, 1);
            return (f / factor * stretched) + (f * (1 - stretched));
        })];
        double mscale = section.Number("mscale", 0, 100, 0);
        double all = section.Number("mscale_all_dim", 0, 100, 0);
        double attention = mscale != 0 && all != 0 ? Temperature(factor, mscale) / Temperature(factor, all) : Temperature(factor, 1);
        return plain with
        {
            Frequencies = frequencies[..half],
            AttentionFactor = section.Number("attention_factor", 0, 1000, attention),
        };

        // The pair that turns that often within the original context.
        double Turn(double turns) => plain.Width * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(plain.Theta));
    }

    private static double Temperature(double factor, double mscale) => factor <= 1 ? 1 : (0.1 * mscale * Math.Log(factor)) + 1;
}
