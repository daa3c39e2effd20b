using System.Buffers.Binary;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>Demand of a layer in half precision, relative to its largest count: right to a thousandth, in two bytes.</summary>
public static class DemandFractions
{
    /// <summary>Packs counts.</summary>
    /// <param name="layer">Model layer.</param>
    /// <param name="prefill">Rows of prompts, by expert.</param>
    /// <param name="decode">Rows of generated tokens, by expert.</param>
    public static LayerDemand Pack(int layer, ReadOnlySpan<double> prefill, ReadOnlySpan<double> decode)
    {
        var scale = 0d;
        foreach (var value in (ReadOnlySpan<double>)[.. prefill, .. decode])
        {
            scale = Math.Max(scale, value);
        }

        var bytes = new byte[2 * (prefill.Length + decode.Length)];
        var at = 0;
        foreach (var value in (ReadOnlySpan<double>)[.. prefill, .. decode])
        {
            BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(at), (Half)(scale > 0 ? value / scale : 0));
            at += 2;
        }

        return new LayerDemand(layer, scale, bytes);
    }

    /// <summary>Unpacks counts: prompts' rows of each expert, then generated tokens'; null where they are not of that many experts, or no counts.</summary>
    public static double[]? Unpack(LayerDemand demand, int experts)
    {
        if (demand.Fractions.Length != 4 * experts || !double.IsFinite(demand.Scale) || demand.Scale < 0)
        {
            return null;
        }

        var values = new double[2 * experts];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (double)BinaryPrimitives.ReadHalfLittleEndian(demand.Fractions.Span[(2 * i)..]) * demand.Scale;
            if (!double.IsFinite(values[i]) || values[i] < 0)
            {
                return null;
            }
        }

        return values;
    }
}
