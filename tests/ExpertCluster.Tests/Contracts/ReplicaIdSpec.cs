using CsCheck;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Contracts;

public sealed class ReplicaIdSpec
{
    [Fact]
    public void Every_id_is_read_back_from_its_text() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[0, int.MaxValue], Gen.Int[0, int.MaxValue]).Sample((layer, expert, number) =>
        {
            var id = new ReplicaId(layer, expert, number);
            Assert.Equal(id, ReplicaId.Parse(id.ToString()));
        });

    [Theory]
    [InlineData(2, 5, 0, "L02/E05/r0")]
    [InlineData(0, 0, 12, "L00/E00/r12")]
    [InlineData(57, 287, 3, "L57/E287/r3")]
    public void The_text_of_an_id_is_fixed(int layer, int expert, int number, string text)
    {
        new ReplicaId(layer, expert, number).ToString().Should().Be(text);
        ReplicaId.Parse(text).Should().Be(new ReplicaId(layer, expert, number));
    }

    [Theory]
    [InlineData("")]
    [InlineData("L02")]
    [InlineData("L02/E05")]
    [InlineData("L02/E05/r0/")]
    [InlineData("/L02/E05/r0")]
    [InlineData("L02/E05/0")]
    [InlineData("L/E05/r0")]
    [InlineData("l02/e05/r0")]
    [InlineData("E02/L05/r0")]
    [InlineData("L-2/E05/r0")]
    [InlineData("L+2/E05/r0")]
    [InlineData("L02/E05/r 0")]
    [InlineData("L02/E05/r0 ")]
    [InlineData("L02/E05/r2147483648")]
    [InlineData("L02\\E05\\r0")]
    public void A_text_of_another_form_is_refused_and_named(string text)
    {
        ReplicaId.TryParse(text, out var id).Should().BeFalse();
        id.Should().Be(default(ReplicaId));
        FluentActions.Invoking(() => ReplicaId.Parse(text)).Should().Throw<FormatException>().WithMessage($"*'{text}'*L02/E05/r0*");
    }

    [Fact]
    public void No_text_is_no_id() => ReplicaId.TryParse(null, out _).Should().BeFalse();

    [Fact]
    public void Whatever_is_accepted_means_the_id_it_prints() =>
        Gen.Char["LErx/0123456789 -"].Array[0, 12].Select(c => new string(c)).Sample(text =>
        {
            if (ReplicaId.TryParse(text, out var id))
            {
                Assert.Equal(id, ReplicaId.Parse(id.ToString()));
            }
        });

    [Fact]
    public void Ids_sort_by_layer_then_expert_then_number() =>
        Gen.Int[0, 3].Select(Gen.Int[0, 3], Gen.Int[0, 3]).Select(t => new ReplicaId(t.Item1, t.Item2, t.Item3)).Array[0, 20].Sample(ids =>
            Assert.Equal(ids.OrderBy(i => i.Layer).ThenBy(i => i.Expert).ThenBy(i => i.Number), ids.Order()));

    [Fact]
    public void A_node_that_comes_back_at_its_address_is_another_node()
    {
        var first = new NodeId("akka.tcp://expertcluster@host:4053", 1);
        var second = first with { Incarnation = 2 };
        first.Should().NotBe(second);
        first.HostPort.Should().Be("host:4053");
        new[] { second, first }.Order().Should().Equal(first, second);
    }
}
