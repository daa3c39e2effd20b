using System.Text.Json.Nodes;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>Rotary embedding in float64 as complex numbers, pair by pair.</summary>
internal sealed class NaiveRope
{
    private readonly JsonObject _rope;
    private readonly string _kind;
    private readonly double _theta;
    private readonly double _part;

    public NaiveRope(TinyModel m)
    {
        _rope = (m.Config["rope_parameters"] ?? m.Config["rope_scaling"])?.AsObject() ?? [];
        _kind = (_rope["rope_type"] ?? _rope["type"])?.ToString() ?? "default";
        _theta = Number("rope_theta", m.Config["rope_theta"]?.GetValue<double>() ?? 10000);
        _part = Number("partial_rotary_factor", 1);
    }

    /// <summary>What DeepSeek's scores are multiplied with.</summary>
    public double ScoreFactor => _kind == "yarn" && Number("mscale_all_dim", 0) is > 0 and var all ? Math.Pow(Temperature(all), 2) : 1;

    public double[] Rotate(double[] head, int position, bool neighbours)
    {
        int width = (int)(head.Length * _part);
        double[] rotated = [.. head];
        double size = _kind != "yarn" ? 1
            : Number("mscale", 0) > 0 && Number("mscale_all_dim", 0) > 0 ? Temperature(Number("mscale", 0)) / Temperature(Number("mscale_all_dim", 0))
            : Temperature(1);
        for (int pair = 0; pair < width / 2; pair++)
        {
            (int a, int b) = neighbours ? (2 * pair, (2 * pair) + 1) : (pair, pair + (width / 2));
            var turned = new System.Numerics.Complex(head[a], head[b])
                * System.Numerics.Complex.FromPolarCoordinates(size, position * Frequency(pair, width));
            (rotated[a], rotated[b]) = (turned.Real, turned.Imaginary);
        }

        return rotated;
    }

    private double Frequency(int pair, int width)
    {
        double plain = 1 / Math.Pow(_theta, 2.0 * pair / width);
        double factor = Number("factor", 1);
        double original = Number("original_max_position_embeddings", 0);
        switch (_kind)
        {
            case "linear":
                return plain / factor;
            case "llama3":
                double wave = 2 * Math.PI / plain;
                double low = Number("low_freq_factor", 0), high = Number("high_freq_factor", 0);
                double smooth = ((original / wave) - low) / (high - low);
                return wave > original / low ? plain / factor : wave < original / high ? plain : ((1 - smooth) * plain / factor) + (smooth * plain);
            case "yarn":
                double first = Where(Number("beta_fast", 32)), last = Where(Number("beta_slow", 1));
                if (_rope["truncate"]?.GetValue<bool>() ?? true)
                {
                    (first, last) = (Math.Floor(first), Math.Ceiling(last));
                }

                (first, last) = (Math.Max(first, 0), Math.Min(last, width - 1));
                double share = Math.Clamp((pair - first) / (last - first), 0, 1);
                return (plain / factor * share) + (plain * (1 - share));
            default:
                return plain;
        }

        double Where(double turns) => width * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(_theta));
    }

    private double Number(string key, double absent) => _rope[key]?.GetValue<double>() ?? absent;

    private double Temperature(double mscale) => (0.1 * mscale * Math.Log(Number("factor", 1))) + 1;
}
