using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>Sizes of the caches of one model.</summary>
/// <param name="model">The model.</param>
/// <param name="prefillTokens">The most tokens of a sequence in one step, but for passes that go in one piece.</param>
internal sealed class CacheSizes(SequenceModel model, int prefillTokens) : ICacheSizes
{
    public long Longest(GatewayCall call) => Bytes(call, call.LongestLength);

    public long AtStart(GatewayCall call) => Bytes(call, call.Tokens.Count);

    public long After(GatewayCall call, int tokens) => call.Sequence!.BytesAfter(tokens);

    private long Bytes(GatewayCall call, int length) =>
        model.KvBytes(length, call.Source.Count, call.Capture is null ? Math.Min(prefillTokens, call.MaxPiece) : int.MaxValue);
}
