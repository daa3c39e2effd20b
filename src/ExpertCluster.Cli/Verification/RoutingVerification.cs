using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Verification;

/// <summary>What came of a routing golden.</summary>
/// <param name="Checks">One per answer, or one per case that could not be computed.</param>
/// <param name="Problems">Why a case could not be computed, by its key.</param>
internal sealed record RoutingVerification(IReadOnlyList<Check> Checks, IReadOnlyDictionary<string, string> Problems);
