using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Balancing;

public sealed class ProbeBookSpec
{
    private readonly ProbeBook _book = new();

    [Fact]
    public void On_the_same_machine_copies_agree_bit_for_bit()
    {
        Check(0, Probe("a", [1f])).Should().BeNull();
        Check(1, Probe("a", [1f])).Should().BeNull();
        Check(2, Probe("b", [1.0000001f])).Should().Contain("though device, libtorch and threads (cpu/1) are the same");
    }

    [Theory]
    [InlineData(0.9e-5f, true)]
    [InlineData(1.5e-5f, false)]
    public void Between_machines_they_agree_within_1e_5_of_the_largest_answer(float difference, bool agrees)
    {
        Check(0, Probe("a", [0f, 10f], scale: 10)).Should().BeNull();
        var verdict = Check(1, Probe("b", [10 * difference, 10f], "gpu/2", scale: 10));
        (verdict is null).Should().Be(agrees, verdict);
    }

    [Fact]
    public void Other_weights_are_refused_and_both_hashes_named()
    {
        Check(0, Probe("a", [1f], weights: "w1"));
        Check(1, Probe("a", [1f], weights: "w2")).Should().Contain("w2").And.Contain("w1");
    }

    [Fact]
    public void Copies_on_two_other_nodes_outvote_the_first()
    {
        Check(0, Probe("a", [1f], weights: "bad"));
        Check(1, Probe("b", [2f], weights: "good")).Should().NotBeNull();
        Check(1, Probe("b", [2f], weights: "good")).Should().NotBeNull("one node has one voice");
        _book.Check("m", new ReplicaId(0, 0, 2), Node(2), Probe("b", [2f], weights: "good"), out var outvoted).Should().BeNull();
        outvoted.Should().Be(new ReplicaId(0, 0, 0));
        Check(3, Probe("b", [2f], weights: "good")).Should().BeNull();
    }

    [Fact]
    public void Bfloat16_is_compared_with_float32_by_its_own_tolerance()
    {
        Check(0, Probe("a", [1f, 0.5f], weights: "f"));
        Check(1, Probe("b", [1.01f, 0.505f], weights: "h", type: RowType.BFloat16)).Should().BeNull();
        Check(2, Probe("b", [1.1f, 0.5f], weights: "h", type: RowType.BFloat16)).Should().NotBeNull();
    }

    private string? Check(int node, ReplicaProbe probe) => _book.Check("m", new ReplicaId(0, 0, node), Node(node), probe, out _);

    private static NodeId Node(int index) => new($"akka.tcp://c@h{index}:1", index);

    private static ReplicaProbe Probe(
        string answer, float[] values, string machine = "cpu/1", float scale = 1, string weights = "w", RowType type = RowType.Float32) =>
        new(type, weights, answer, machine, [.. values], scale);
}
