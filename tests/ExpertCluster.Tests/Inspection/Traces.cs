using CsCheck;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Tests.Inspection;

/// <summary>Made-up traces.</summary>
internal static class Traces
{
    /// <summary>Traces of one layer: several texts, windows, tokens and distinct choices, all at random.</summary>
    public static Gen<RoutingTrace> Any { get; } =
        from experts in Gen.Int[1, 9]
        from topK in Gen.Int[1, experts]
        from files in Gen.Int[1, 4]
        from windows in Gen.Int[1, 12].List[files, files + 6]
        from seed in Gen.Int
        select Random(new Random(seed), experts, topK, files, [.. windows], vocabulary: 7);

    /// <summary>A trace of one layer whose windows belong to the texts in turn.</summary>
    public static RoutingTrace Random(Random random, int experts, int topK, int files, int[] windows, int vocabulary)
    {
        var trace = new RoutingTrace([0], experts, topK, files);
        for (int i = 0; i < windows.Length; i++)
        {
            int[] tokens = [.. Enumerable.Range(0, windows[i]).Select(_ => random.Next(vocabulary))];
            trace.Append(i % files, tokens, [[.. tokens.SelectMany(_ => Distinct(random, experts, topK))]]);
        }

        return trace;
    }

    /// <summary>One layer, one choice a token, one window for each text.</summary>
    public static RoutingTrace Of(int experts, params (int[] Tokens, ushort[] Choices)[] texts)
    {
        var trace = new RoutingTrace([0], experts, 1, texts.Length);
        for (int i = 0; i < texts.Length; i++)
        {
            trace.Append(i, texts[i].Tokens, [texts[i].Choices]);
        }

        return trace;
    }

    public static ushort[] Distinct(Random random, int experts, int topK)
    {
        int[] all = [.. Enumerable.Range(0, experts)];
        random.Shuffle(all);
        return [.. all.Take(topK).Select(expert => (ushort)expert)];
    }

    public static InspectionReport Analyse(RoutingTrace trace, InspectionOptions? options = null) =>
        RoutingInspection.Analyse(trace, token => (TokenClass)(token % 3), options ?? new InspectionOptions { Shuffles = 20 });
}
