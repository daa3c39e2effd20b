using ExpertCluster.Cluster.Planning;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Between what the balancer holds and what the planner takes and gives.</summary>
internal static class PlanningInput
{
    /// <summary>Everything the planner has to know of a model.</summary>
    /// <param name="balancer">Members and models.</param>
    /// <param name="model">The model.</param>
    /// <param name="load">Its load; layers without enough of it count as evenly loaded.</param>
    /// <param name="copies">Least copies of each expert.</param>
    /// <param name="spare">Replicas of a layer beyond those.</param>
    /// <param name="pins">Experts that must be on a node.</param>
    public static PlanProblem Problem(
        ClusterBalancer balancer, ModelPlacement model, IBalancerLoad load, int copies, int spare, IReadOnlyList<PlanPlace> pins)
    {
        var nodes = balancer.Usable(model);
        var devices = nodes.OrderBy(n => n.Node).Select(node => new PlanDevice(
            node.Node.ToString(), Host(node.Node), load.Speed(node.Node), Room(balancer, model, node))).ToArray();
        return new PlanProblem
        {
            Devices = devices,
            Layers = [.. model.Layers.Select(layer => new PlanLayer(
                layer,
                load.Demand(model.Name, layer) ?? Even(model.Experts),
                [.. model.Replicas.Where(e => e.Replica.Layer == layer && e.State != ReplicaState.Draining).OrderBy(e => e.Replica)
                    .Select(e => new PlanReplica(e.Replica.Expert, e.Node.ToString()))]))],
            ExpertBytes = model.ExpertBytes,
            ReplicasPerLayer = (copies * model.Experts) + spare,
            Copies = copies,
            Pins = pins,
            Exclusions = [.. balancer.Excluded(model).Where(x => nodes.Any(n => n.Node == x.Node))
                .Select(x => new PlanPlace(x.Layer, x.Expert, x.Node.ToString())).OrderBy(p => (p.Layer, p.Expert, p.Device))],
            Together = model.Together,
        };
    }

    /// <summary>The planner's steps with the nodes they name.</summary>
    public static IReadOnlyList<MoveStep> Steps(PlacementPlan plan, ClusterBalancer balancer)
    {
        var nodes = balancer.Members.Nodes.Keys.ToDictionary(n => n.ToString());
        return [.. plan.Steps.Select(step => new MoveStep(
            step.Kind switch { PlanStepKind.Add => MoveKind.Add, PlanStepKind.Retire => MoveKind.Retire, _ => MoveKind.Move },
            step.Layer, step.Expert, Node(step.From), Node(step.To), step.Bytes, step.Reason))];

        NodeId? Node(string? id) => id is null ? null : nodes[id];
    }

    private static double[] Even(int experts)
    {
        var load = new double[experts];
        Array.Fill(load, 1);
        return load;
    }

    /// <summary>The planner counts experts in float32; what other models hold is not there for this one.</summary>
    private static long Room(ClusterBalancer balancer, ModelPlacement model, NodeDescription node)
    {
        var own = ClusterBalancer.BytesOn(model, node) * model.Replicas.Count(e => e.Node == node.Node);
        return ClusterBalancer.InFloat32(node.MemoryBytes - balancer.UsedBytes(node) + own, node.ExpertType(model.Name));
    }

    private static string Host(NodeId node) => node.HostPort[..node.HostPort.LastIndexOf(':')];
}
