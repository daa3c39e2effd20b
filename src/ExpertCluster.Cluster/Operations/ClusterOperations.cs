using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Akka.Actor;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Operations;

/// <summary>Carries questions and orders of operators to whom they concern: the balancer, or a node.</summary>
public sealed class ClusterOperations
{
    /// <summary>The balancer answers from memory; where it does not, it is just moving to another node.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ActorSystem _system;
    private readonly PlacementBoard _board;
    private readonly IActorRef _balancer;

    internal ClusterOperations(ActorSystem system, PlacementBoard board, IActorRef balancer)
    {
        _system = system;
        _board = board;
        _balancer = balancer;
    }

    /// <summary>Does what the verb says.</summary>
    /// <param name="verb">Such as <c>status</c>, <c>history</c>, <c>suspend</c>, <c>drain</c>.</param>
    /// <param name="arguments">A JSON object; empty for none.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>A JSON object.</returns>
    /// <exception cref="RequestFailedException">It could not be done; the message says why.</exception>
    public async Task<string> OperateAsync(string verb, string arguments, CancellationToken cancellationToken)
    {
        JsonObject parsed;
        try
        {
            parsed = string.IsNullOrEmpty(arguments) ? [] : JsonNode.Parse(arguments) as JsonObject ?? throw new JsonException("it is no object");
        }
        catch (JsonException e)
        {
            throw Invalid($"arguments: {e.Message}");
        }

        switch (verb)
        {
            case "drain":
                return Drain(parsed, true);
            case "undrain":
                return Drain(parsed, false);
        }

        var query = new BalancerQuery(verb, Encoding.UTF8.GetBytes(parsed.ToJsonString()));
        try
        {
            var reply = await _balancer.Ask<BalancerReply>(query, Patience, cancellationToken).ConfigureAwait(false);
            var text = Encoding.UTF8.GetString(reply.Body.Span);
            return reply.IsOk ? text : throw Invalid($"{verb}: {text}");
        }
        catch (AskTimeoutException e)
        {
            throw new RequestFailedException(
                RequestError.GatewayUnavailable, $"{verb}: the balancer did not answer within {Patience.TotalSeconds} s; it may be moving to another node", inner: e);
        }
    }

    private string Drain(JsonObject arguments, bool isDraining)
    {
        var name = arguments["node"]?.ToString() ?? throw Invalid("node is missing: HOST:PORT of a node's control connection");
        var node = _board.Nodes.Keys.FirstOrDefault(n => n.HostPort == name)
            ?? throw Invalid($"there is no node {name}; there are {string.Join(", ", _board.Nodes.Keys.Order().Select(n => n.HostPort))}");
        _system.ActorSelection($"{node.Address}/user/placement").Tell(new DrainNode(isDraining));
        return new JsonObject { ["node"] = name, ["draining"] = isDraining, ["replicas"] = _board.HeldBy(node) }.ToJsonString();
    }

    private static RequestFailedException Invalid(string message) => new(RequestError.InvalidRequest, message);
}
