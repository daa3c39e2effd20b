namespace ExpertCluster.Client;

/// <summary>One node of a cluster.</summary>
/// <param name="Address">Host and port of its control connection.</param>
/// <param name="Roles">The roles it carries.</param>
/// <param name="Device">Where its experts compute, such as <c>cpu</c> or <c>cuda:0</c>; empty on a node without experts.</param>
/// <param name="Threads">libtorch threads of its executor; 0 on a node without experts.</param>
/// <param name="Experts">Replicas ready on it for the reported model.</param>
/// <param name="GatewayEndpoint"><c>HOST:PORT</c> that clients can connect to; null where it serves none.</param>
public sealed record NodeReport(
    string Address, IReadOnlyList<string> Roles, string Device, int Threads, int Experts, string? GatewayEndpoint);
