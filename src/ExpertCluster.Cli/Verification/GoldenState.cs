using System.Globalization;

namespace ExpertCluster.Cli.Verification;

/// <summary>A state that passes through the layers, as golden files name it.</summary>
/// <param name="Name">Tensor name.</param>
/// <param name="Side">The stack.</param>
/// <param name="IsRouter">Router logits instead of a hidden state.</param>
/// <param name="Index">Hidden states: of the layer it enters, the last is after the final norm. Router logits: of the layers with experts.</param>
internal sealed record GoldenState(string Name, GoldenSide Side, bool IsRouter, int Index)
{
    private static readonly (string Prefix, GoldenSide Side)[] Sides =
        [("", GoldenSide.Only), ("encoder_", GoldenSide.Encoder), ("decoder_", GoldenSide.Decoder)];

    /// <summary>Reads a name such as <c>encoder_hidden_states.3</c>; null for other tensors.</summary>
    public static GoldenState? Parse(string name)
    {
        foreach (var (prefix, side) in Sides)
        {
            foreach (var (kind, router) in new[] { ("hidden_states.", false), ("router_logits.", true) })
            {
                if (name.StartsWith(prefix + kind, StringComparison.Ordinal) && int.TryParse(
                    name.AsSpan(prefix.Length + kind.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                {
                    return new GoldenState(name, side, router, index);
                }
            }
        }

        return null;
    }
}
