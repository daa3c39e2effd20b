using System.Collections.Immutable;

namespace ExpertCluster.Contracts;

/// <summary>What a replica made of the rows that every replica is asked first: copies of one expert must agree before they take traffic.</summary>
/// <param name="Type">What it computes in, <c>Float32</c> or <c>BFloat16</c>.</param>
/// <param name="Weights">Hash of its weights as they lie in memory, lower-case hex; equal for equal weights of one type.</param>
/// <param name="Answer">Hash of its answers' bits, lower-case hex.</param>
/// <param name="Machine">Device model, libtorch version and threads; where they match, answers agree bit for bit.</param>
/// <param name="Values">A sample of its answers.</param>
/// <param name="Scale">The largest |answer|.</param>
public sealed record ReplicaProbe(
    RowType Type, string Weights, string Answer, string Machine, ImmutableArray<float> Values, float Scale)
{
    /// <inheritdoc/>
    public bool Equals(ReplicaProbe? other) => other is not null && Type == other.Type && Weights == other.Weights && Answer == other.Answer
        && Machine == other.Machine && Scale.Equals(other.Scale) && Values.AsSpan().SequenceEqual(other.Values.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, Weights, Answer, Machine);
}
