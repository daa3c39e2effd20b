using CsCheck;
using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Planning;

public sealed class ModelPlacementSpec
{
    private static readonly NodeId Node = new("akka.tcp://expertcluster@a:1", 1);

    [Fact]
    public void Numbers_of_replicas_are_never_used_twice() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 2], Gen.Bool).Array[0, 40].Sample(steps =>
        {
            var placement = Empty(3, 3);
            var seen = new HashSet<ReplicaId>();
            foreach (var (layer, expert, remove) in steps)
            {
                if (remove && placement.Replicas.FirstOrDefault(e => e.Replica.Layer == layer && e.Replica.Expert == expert) is { } entry)
                {
                    placement.Remove(entry);
                }
                else
                {
                    Assert.True(seen.Add(placement.Assign(layer, expert, Node).Replica));
                }
            }
        });

    [Fact]
    public void Numbers_go_on_where_a_former_balancer_stopped()
    {
        var placement = Empty(1, 2);
        placement.Adopt(new LayerPlacement("m", 0, 41, 2, [new(new ReplicaId(0, 1, 6), Node, ReplicaState.Ready)]));
        placement.Assign(0, 1, Node).Replica.Should().Be(new ReplicaId(0, 1, 41), "the former balancer may have used any number below its epoch");
        placement.Assign(0, 0, Node).Replica.Should().Be(new ReplicaId(0, 0, 41));
        placement.TakeChanges().Should().ContainSingle().Which.Epoch.Should().Be(42);
    }

    [Fact]
    public void Epochs_rise_with_every_change_and_only_changed_layers_are_published() =>
        Gen.Int[0, 3].Array[0, 6].Array[1, 10].Sample(rounds =>
        {
            var placement = Empty(4, 2);
            long epoch = 0;
            foreach (var layers in rounds)
            {
                foreach (var layer in layers)
                {
                    placement.Assign(layer, 0, Node);
                }

                var changes = placement.TakeChanges();
                Assert.Equal(layers.Distinct().Order(), changes.Select(c => c.Layer));
                Assert.All(changes, c => Assert.Equal(epoch + 1, c.Epoch));
                epoch += changes.Count > 0 ? 1 : 0;
                Assert.Equal(epoch, placement.Epoch);
                Assert.False(placement.IsDirty);
                Assert.Empty(placement.TakeChanges());
            }
        });

    [Fact]
    public void A_published_layer_holds_all_its_replicas_in_the_order_of_their_ids()
    {
        var placement = Empty(2, 3);
        foreach (var expert in new[] { 2, 0, 1, 0 })
        {
            placement.Assign(1, expert, Node);
        }

        placement.TakeChanges().Should().ContainSingle().Which.Replicas.Select(r => r.Replica.ToString())
            .Should().Equal("L01/E00/r0", "L01/E00/r1", "L01/E01/r0", "L01/E02/r0");
    }

    [Fact]
    public void All_first_copies_are_missing_before_any_second() =>
        Gen.Select(Gen.Select(Gen.Int[0, 2], Gen.Int[0, 3]).Array[0, 12], Gen.Int[1, 3]).Sample((held, copies) =>
        {
            var placement = Empty(3, 4);
            foreach (var (layer, expert) in held)
            {
                placement.Assign(layer, expert, Node);
            }

            var count = held.GroupBy(h => h).ToDictionary(g => g.Key, g => g.Count());
            var ranks = new List<int>();
            foreach (var expert in placement.Missing(copies))
            {
                ranks.Add(count.GetValueOrDefault(expert));
                count[expert] = count.GetValueOrDefault(expert) + 1;
            }

            Assert.Equal(ranks.Order(), ranks);
            Assert.All(Enumerable.Range(0, 12), i => Assert.True(count.GetValueOrDefault((i / 4, i % 4)) >= copies));
            Assert.All(ranks, rank => Assert.True(rank < copies));
        });

    [Fact]
    public void A_state_or_problem_that_is_no_news_changes_nothing()
    {
        var placement = Empty(1, 1);
        var entry = placement.Assign(0, 0, Node);
        placement.SetProblem(0, "no room").Should().BeTrue();
        placement.TakeChanges().Should().ContainSingle().Which.Problem.Should().Be("no room");
        placement.SetState(entry, ReplicaState.Assigned);
        placement.SetProblem(0, "no room").Should().BeFalse();
        placement.IsDirty.Should().BeFalse();
        placement.SetState(entry, ReplicaState.Ready);
        placement.SetProblem(0, null).Should().BeTrue();
        placement.TakeChanges().Should().ContainSingle().Which.Should().BeEquivalentTo(
            new { Problem = (string?)null, Epoch = 2L, Replicas = new[] { new ReplicaPlacement(entry.Replica, Node, ReplicaState.Ready) } });
    }

    private static ModelPlacement Empty(int layers, int experts) => new("m", [.. Enumerable.Range(0, layers)], experts, 10, "f");
}
