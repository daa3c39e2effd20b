using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Tests.Embedded;

/// <summary>Nodes whose experts compute in bfloat16, beside one whose experts do not.</summary>
public sealed class EmbeddedBfloat16Spec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Answers differ from those in float32 by the rounding of bfloat16, 8 bits, at each of four steps: 2 % of the largest.</summary>
    [Fact]
    public async Task Experts_take_half_the_memory_and_answer_within_the_rounding()
    {
        await using var whole = await FolioCluster.StartAsync(1, cancellationToken: Stop);
        await using var mixed = await FolioCluster.StartAsync(
            3, configure: (index, node) => node.Experts.Dtype = index == 0 ? "float32" : "bfloat16", cancellationToken: Stop);
        var bytes = mixed.Runtimes[0].Models[0].Checkpoint.ExpertBytes;
        for (var i = 0; i < 3; i++)
        {
            var host = mixed.Runtimes[i].Host!;
            host.CountOf("folio-moe").Should().BePositive();
            host.Memory.Used.Should().Be(host.CountOf("folio-moe") * (i == 0 ? bytes : bytes / 2));
            mixed.Runtimes[0].Board.Nodes[host.Node].ExpertType("folio-moe").Should().Be(i == 0 ? RowType.Float32 : RowType.BFloat16);
        }

        var random = new Random(7);
        float[] rows = [.. Enumerable.Range(0, 24 * whole.Model.Shape.HiddenSize).Select(_ => (float)((random.NextDouble() * 2) - 1))];
        foreach (var layer in whole.Model.Shape.MoeLayers)
        {
            var expected = await whole.Model.ForwardLayerAsync("whole", layer, rows, 24, null, Stop);
            var actual = await mixed.Model.ForwardLayerAsync("mixed", layer, rows, 24, null, Stop);
            actual.Zip(expected, (a, b) => Math.Abs(a - b)).Max().Should().BeInRange(float.Epsilon, 0.02f * expected.Max(Math.Abs));
        }
    }
}
