using System.Buffers;
using System.Collections.Immutable;
using CsCheck;
using ExpertCluster.Contracts;
using ExpertCluster.Tests.Support;
using MessagePack;

namespace ExpertCluster.Tests.Contracts;

public sealed class MessageCodecSpec
{
    public static TheoryData<string> Manifests => [.. Messages.Golden.Keys];

    [Fact]
    public void Every_message_is_read_back_as_it_was_written() => Messages.Any.Sample(
        message => Messages.ShouldBeSame(MessageCodec.FromBytes(MessageCodec.ToBytes(message), MessageCodec.Manifest(message)), message), iter: 300);

    [Fact]
    public void Every_registered_type_has_a_golden_form_and_every_message_type_is_registered()
    {
        Messages.Golden.Values.Select(g => g.Message.GetType()).Should().BeEquivalentTo(MessageCodec.Types);
        typeof(IClusterMessage).Assembly.GetTypes().Where(t => t.IsAssignableTo(typeof(IClusterMessage)) && !t.IsInterface)
            .Should().BeEquivalentTo(MessageCodec.Types);
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void The_bytes_and_manifest_of_a_message_never_change(string manifest)
    {
        var (message, hex) = Messages.Golden[manifest];
        MessageCodec.Manifest(message).Should().Be(manifest);
        Convert.ToHexStringLower(MessageCodec.ToBytes(message)).Should().Be(hex);
        Messages.ShouldBeSame(MessageCodec.FromBytes(Convert.FromHexString(hex), manifest), message);
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Fields_that_a_newer_sender_appends_are_skipped(string manifest)
    {
        var bytes = MessageCodec.ToBytes(Messages.Golden[manifest].Message);
        var reader = new MessagePackReader(bytes);
        var fields = reader.ReadArrayHeader();
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(fields + 2);
        writer.WriteRaw(bytes.AsSpan((int)reader.Consumed));
        writer.Write("something new");
        writer.WriteMapHeader(1);
        writer.Write(1);
        writer.Write(2.5);
        writer.Flush();
        Messages.ShouldBeSame(MessageCodec.FromBytes(buffer.WrittenSpan.ToArray(), manifest), Messages.Golden[manifest].Message);
    }

    [Fact]
    public void What_experts_compute_in_is_a_field_that_only_descriptions_of_such_nodes_have()
    {
        var (golden, hex) = Messages.Golden["N"];
        var older = (NodeDescription)golden;
        var node = older with
        {
            ExpertTypes = ImmutableDictionary<string, RowType>.Empty.Add("folio-moe", RowType.BFloat16).Add("a", RowType.Float32),
        };
        var bytes = MessageCodec.ToBytes(node);
        Convert.ToHexStringLower(bytes).Should().Be("9b" + hex[2..] + "81a9666f6c696f2d6d6f6501");
        var read = (NodeDescription)MessageCodec.FromBytes(bytes, "N");
        read.ExpertType("folio-moe").Should().Be(RowType.BFloat16);
        read.ExpertType("a").Should().Be(RowType.Float32);
        older.ExpertType("folio-moe").Should().Be(RowType.Float32, "nobody said otherwise");
        bytes[^1] = 9;
        ((NodeDescription)MessageCodec.FromBytes(bytes, "N")).ExpertType("folio-moe").Should().Be(RowType.Float32, "what is unknown here is not used");
    }

    [Fact]
    public void Batches_are_a_field_that_only_reports_with_some_have()
    {
        var (golden, hex) = Messages.Golden["L"];
        var report = (LoadReport)golden with { Batches = [new(0, 3, 40, 400, 90000)] };
        var bytes = MessageCodec.ToBytes(report);
        Convert.ToHexStringLower(bytes).Should().Be("96" + hex[2..] + "95000328cd0190ce00015f90");
        Messages.ShouldBeSame(MessageCodec.FromBytes(bytes, "L"), report);
        ((LoadReport)MessageCodec.FromBytes(Convert.FromHexString(hex), "L")).Batches.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void A_message_with_too_few_fields_says_that_its_sender_is_older(string manifest)
    {
        var bytes = MessageCodec.ToBytes(Messages.Golden[manifest].Message);
        if (bytes[0] == 0x90)
        {
            return;
        }

        // A node's description may lack the field that was appended.
        bytes[0] -= (byte)(manifest == "N" ? 2 : 1);
        FluentActions.Invoking(() => MessageCodec.FromBytes(bytes, manifest)).Should().Throw<MessagePackSerializationException>()
            .WithMessage("*older version*");
    }

    [Fact]
    public void A_description_from_before_lanes_had_sockets_is_read_without_one()
    {
        var (message, hex) = Messages.Golden["N"];
        var older = "99" + hex[2..^12];
        Messages.ShouldBeSame(MessageCodec.FromBytes(Convert.FromHexString(older), "N"), (NodeDescription)message with { LaneSocket = null });
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("System.String, System.Runtime")]
    public void An_unknown_manifest_is_refused_and_named(string manifest) =>
        FluentActions.Invoking(() => MessageCodec.FromBytes([0x90], manifest)).Should().Throw<MessagePackSerializationException>()
            .WithMessage($"*'{manifest}'*");

    [Fact]
    public void A_type_that_is_not_registered_is_refused_and_named()
    {
        FluentActions.Invoking(() => MessageCodec.ToBytes("text")).Should().Throw<ArgumentException>().WithMessage("*System.String*");
        FluentActions.Invoking(() => MessageCodec.Manifest(1)).Should().Throw<ArgumentException>().WithMessage("*System.Int32*");
    }

    [Fact]
    public void Damaged_messages_are_refused_by_one_kind_of_error_and_allocate_little()
    {
        var valid = Messages.Golden.Values.Select(g => MessageCodec.ToBytes(g.Message)).ToArray();
        var manifests = Messages.Golden.Keys.ToArray();
        Gen.Select(Wire.Damaged(valid), Gen.OneOf(manifests)).Sample(
            (bytes, manifest) =>
            {
                var allocated = Wire.Allocated(() => ReadOrRefuse(bytes, manifest));
                Assert.True(allocated <= (64 * 1024) + (16L * bytes.Length), $"{allocated} bytes allocated for {bytes.Length}");
            },
            iter: 20_000,
            threads: 1);
    }

    [Theory]
    [InlineData("P", "97a16d0001" + "08c0" + "dd7fffffff")]
    [InlineData("P", "97a16d0001" + "08c090" + "dd7fffffff")]
    [InlineData("N", "9892a16e01" + "dd7fffffff")]
    [InlineData("N", "9892a16e0190a3637075010201c0" + "df7fffffff")]
    [InlineData("C", "9501c20500" + "c67fffffff")]
    [InlineData("S", "93" + "db7fffffff")]
    [InlineData("L", "9592a16e01a16dc0" + "dd7fffffff")]
    [InlineData("L", "9592a16e01a16dc090" + "dd7fffffff")]
    [InlineData("L", "9692a16e01a16dc09090" + "dd7fffffff")]
    [InlineData("K", "94a16da16600" + "dd7fffffff")]
    [InlineData("K", "94a16da16600" + "9301cb3ff8000000000000" + "c67fffffff")]
    public void A_length_that_lies_costs_nothing(string manifest, string hex)
    {
        var bytes = Convert.FromHexString(hex);
        ReadOrRefuse(bytes, manifest).Should().BeFalse();
        Wire.Allocated(() => ReadOrRefuse(bytes, manifest)).Should().BeLessThan(64 * 1024);
    }

    [Fact]
    public void A_placement_that_names_a_node_it_does_not_list_is_refused()
    {
        var bytes = Convert.FromHexString("97a16d000108c090" + "9400000000");
        FluentActions.Invoking(() => MessageCodec.FromBytes(bytes, "P")).Should().Throw<MessagePackSerializationException>().WithMessage("*node 0 of 0*");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void A_placement_of_an_absurd_number_of_experts_is_refused(int experts)
    {
        var bytes = MessageCodec.ToBytes(new LayerPlacement("m", 0, 1, experts, []));
        FluentActions.Invoking(() => MessageCodec.FromBytes(bytes, "P")).Should().Throw<MessagePackSerializationException>().WithMessage($"*{experts}*");
    }

    [Fact]
    public void A_text_beyond_16_KiB_is_refused()
    {
        var bytes = MessageCodec.ToBytes(new StartReplica(new string('m', 16 * 1024 + 1), default, new NodeId("a", 1)));
        FluentActions.Invoking(() => MessageCodec.FromBytes(bytes, "S")).Should().Throw<MessagePackSerializationException>().WithMessage("*16385*");
    }

    private static bool ReadOrRefuse(byte[] bytes, string manifest)
    {
        try
        {
            MessageCodec.FromBytes(bytes, manifest);
            return true;
        }
        catch (MessagePackSerializationException)
        {
            return false;
        }
    }
}
