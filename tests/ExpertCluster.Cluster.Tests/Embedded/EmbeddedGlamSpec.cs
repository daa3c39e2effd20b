using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Contracts;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cluster.Tests.Embedded;

/// <summary>GLaM on three nodes: its answers, and its hint about where experts go.</summary>
public sealed class EmbeddedGlamSpec : IDisposable
{
    private static readonly int[] Prompt = [5, 40, 17, 3, 3, 60, 21];
    private readonly TinyGlam _model = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task Three_nodes_answer_as_one_process_and_share_experts_by_index()
    {
        var (generated, logits) = await _model.AnswerInProcessAsync(Prompt, 60, Stop);
        generated.Distinct().Count().Should().BeGreaterThan(2, "the answer should tell right from wrong");
        await using var cluster = await FolioCluster.StartAsync(3, _model.Folder, cancellationToken: Stop);

        var answer = await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(Prompt, 60), cancellationToken: Stop);
        answer.Should().Equal(generated);
        var actual = await cluster.Model.ForwardAsync(new ForwardRequest("glam", [.. Prompt, .. generated]), Stop);
        actual.Zip(logits, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThanOrEqualTo(1e-5f * logits.Max(Math.Abs));

        var placed = Placed(cluster);
        placed.Should().HaveCount(3 * TinyGlam.Experts);
        AssertTogether(placed, copies: 1);
        placed.GroupBy(r => r.Node).Select(g => g.Count()).Order().Should().Equal(3, 6, 6);

        await cluster.CrashAsync(2);
        await Eventually.HoldsAsync(() => Placed(cluster).Select(r => r.Node).Distinct().Count() == 2, "the lost node's experts are placed anew");
        await Eventually.HoldsAsync(() => cluster.Gateway.Board.IsComplete(cluster.Model.Name, cluster.Model.Shape.MoeLayers), "all answer again");
        AssertTogether(Placed(cluster), copies: 1);
        (await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(Prompt, 60), cancellationToken: Stop)).Should().Equal(generated);
    }

    [Fact]
    public async Task Two_copies_of_every_expert_share_nodes_by_index_too()
    {
        await using var cluster = await FolioCluster.StartAsync(3, _model.Folder, (_, node) => node.Balancer.Copies = 2, Stop);
        await Eventually.HoldsAsync(() => Placed(cluster).Length == 2 * 3 * TinyGlam.Experts, "two copies of each expert");
        AssertTogether(Placed(cluster), copies: 2);
    }

    private static void AssertTogether(ReplicaPlacement[] placed, int copies)
    {
        foreach (var index in placed.GroupBy(r => r.Replica.Expert))
        {
            index.Select(r => r.Node).Distinct().Should().HaveCount(copies);
            index.GroupBy(r => r.Node).Should().OnlyContain(g => g.Select(r => r.Replica.Layer).Order().SequenceEqual(new[] { 1, 3, 5 }));
        }
    }

    private static ReplicaPlacement[] Placed(EmbeddedCluster cluster) =>
        [.. cluster.Model.Shape.MoeLayers.SelectMany(l => cluster.Gateway.Board.Routes(cluster.Model.Name, l)?.Placement.Replicas ?? [])];
}
