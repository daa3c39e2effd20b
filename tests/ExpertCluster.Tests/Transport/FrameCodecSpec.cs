using System.Buffers;
using CsCheck;
using ExpertCluster.Contracts;
using ExpertCluster.Tests.Support;
using ExpertCluster.Transport;
using ExpertCluster.Transport.Lane;
using MessagePack;

namespace ExpertCluster.Tests.Transport;

public sealed class FrameCodecSpec
{
    private static readonly Gen<DispatchFrame> Frames = Gen.Select(
        Gen.Select(Gen.String[Gen.Char.AlphaNumeric, 0, 10], Gen.Int[0, 100], Gen.Long[0, long.MaxValue], Gen.Int[0, 100_000]),
        Gen.Int[1, 9],
        Gen.Select(Gen.Int[0, 300], Gen.Int[0, 5], Gen.Int[1, 4]).Array[0, 8],
        Gen.Select(Gen.Int, Gen.Enum<RowType>()),
        (head, hidden, segments, content) =>
        {
            var (seed, type) = content;
            var buffer = RowBuffer.Rent(segments.Sum(s => s.Item3), hidden, type);
            Fill(buffer, seed);
            return new DispatchFrame(
                head.Item1, head.Item2, head.Item3, TimeSpan.FromMilliseconds(head.Item4), hidden,
                [.. segments.Select(s => new DispatchSegment(new ReplicaId(head.Item2, s.Item1, s.Item2), s.Item3))], buffer);
        });

    private static readonly Gen<DispatchResult> Results = Gen.Select(
        Gen.Select(Gen.Enum<SegmentStatus>(), Gen.Int, Gen.OneOf(null, "", "it threw")).Array[0, 8], Gen.Int[0, 20], Gen.Long, Gen.Select(Gen.Int, Gen.Enum<RowType>()),
        (segments, values, time, content) =>
        {
            var (seed, type) = content;
            var buffer = RowBuffer.Rent(values, 2, type);
            Fill(buffer, seed);
            return new DispatchResult([.. segments.Select(s => new SegmentResult(s.Item1, s.Item2, s.Item3))], buffer, time, seed);
        });

    [Fact]
    public void A_dispatch_s_header_is_read_back_with_room_for_its_rows() => Frames.Sample(frame =>
    {
        using var read = FrameCodec.ReadFrame(Header(frame), Bytes(frame.Rows));
        Assert.Equal((frame.Model, frame.Layer, frame.Epoch, frame.Remaining, frame.HiddenSize),
            (read.Model, read.Layer, read.Epoch, read.Remaining, read.HiddenSize));
        Assert.Equal(frame.Segments, read.Segments);
        Assert.Equal((frame.Rows.Length, frame.Rows.Type), (read.Rows.Length, read.Rows.Type));
    });

    [Fact]
    public void An_answer_s_header_is_read_back_with_room_for_its_rows() => Results.Sample(result =>
    {
        using var read = FrameCodec.ReadResult(Header(result), Bytes(result.Rows), result.Segments.Count, (int)(Bytes(result.Rows) / sizeof(float)));
        Assert.Equal((result.ComputeMicroseconds, result.QueueMicroseconds), (read.ComputeMicroseconds, read.QueueMicroseconds));
        Assert.Equal(result.Segments, read.Segments);
        Assert.Equal((result.Rows.Length, result.Rows.Type), (read.Rows.Length, read.Rows.Type));
    });

    [Fact]
    public void Rows_in_bfloat16_take_half_the_bytes_and_say_so_in_fields_that_were_free()
    {
        using var frame = new DispatchFrame(
            "m", 2, 7, TimeSpan.FromSeconds(1), 1, [new(new ReplicaId(2, 5, 1), 1), new(new ReplicaId(2, 6, 0), 1)], RowBuffer.Rent(2, 1, RowType.BFloat16));
        frame.Rows.Bytes.Count.Should().Be(4, "two values of float32 take 8 bytes");
        Convert.ToHexStringLower(Header(frame)).Should().Be("97a16d0207cd03e801" + "96050101" + "060001" + "01");
        using var result = new DispatchResult([new(SegmentStatus.Done, 300), new(SegmentStatus.Failed, 0, "x")], frame.Rows, 9, 4);
        Convert.ToHexStringLower(Header(result)).Should().Be("9409" + "9600cd012cc0" + "0400a178" + "04" + "01");
        FluentActions.Invoking(() => FrameCodec.ReadFrame(Header(frame), 8)).Should().Throw<MessagePackSerializationException>();
        FluentActions.Invoking(() => FrameCodec.ReadResult(Header(result), 8, 2, 1)).Should().Throw<MessagePackSerializationException>();
    }

    [Fact]
    public void The_bytes_of_a_dispatch_and_an_answer_never_change()
    {
        using var frame = Frame("m", 2, [new(new ReplicaId(2, 5, 1), 1), new(new ReplicaId(2, 6, 0), 1)]);
        Convert.ToHexStringLower(Header(frame)).Should().Be("97a16d0207cd03e801" + "96050101" + "060001" + "00");
        using var result = new DispatchResult([new(SegmentStatus.Done, 300), new(SegmentStatus.Failed, 0, "x")], frame.Rows, 9, 4);
        Convert.ToHexStringLower(Header(result)).Should().Be("9309" + "9600cd012cc0" + "0400a178" + "04");
        var prefix = new byte[PacketPrefix.Size];
        new PacketPrefix(PacketKind.Open, 16, 7, 8, 8).Write(prefix, 1);
        Convert.ToHexStringLower(prefix).Should().Be("454c0101" + "10000000" + "0700000000000000" + "0800000000000000" + "08000000" + Convert.ToHexStringLower(prefix.AsSpan(28)));
        PacketPrefix.Read(prefix, 1).Should().Be(new PacketPrefix(PacketKind.Open, 16, 7, 8, 8));
    }

    [Fact]
    public void Any_changed_bit_of_a_packet_s_prefix_is_noticed()
    {
        var prefix = new byte[PacketPrefix.Size];
        new PacketPrefix(PacketKind.More, 0, 7, 8000, 800).Write(prefix, 1);
        for (var bit = 0; bit < prefix.Length * 8; bit++)
        {
            var damaged = (byte[])prefix.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            FluentActions.Invoking(() => PacketPrefix.Read(damaged, 1)).Should().Throw<LaneProtocolException>("bit {0}", bit);
        }
    }

    [Fact]
    public void A_deadline_that_has_passed_is_sent_as_none_left()
    {
        using var frame = new DispatchFrame("m", 0, 1, TimeSpan.FromSeconds(-5), 1, [], RowBuffer.Rent(0, 1));
        using var read = FrameCodec.ReadFrame(Header(frame), 0);
        read.Remaining.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void Header_fields_that_a_newer_sender_appends_are_skipped()
    {
        using var frame = Frame("m", 0, [new(default, 2)]);
        byte[] longer = [0x98, .. Header(frame).AsSpan(1), 0xa1, (byte)'z'];
        using var read = FrameCodec.ReadFrame(longer, Bytes(frame.Rows));
        read.Segments.Should().Equal(frame.Segments);
    }

    [Fact]
    public void Rows_of_another_element_type_are_refused()
    {
        using var frame = Frame("m", 0, [new(default, 2)]);
        byte[] other = [.. Header(frame)[..^1], 2];
        FluentActions.Invoking(() => FrameCodec.ReadFrame(other, Bytes(frame.Rows))).Should().Throw<MessagePackSerializationException>().WithMessage("*element type 2*float32*bfloat16*");
    }

    [Fact]
    public void A_model_s_name_that_is_known_is_not_made_again()
    {
        using var frame = Frame("folio-moe", 0, [new(default, 2)]);
        const string known = "folio-moe";
        using var read = FrameCodec.ReadFrame(Header(frame), Bytes(frame.Rows), known);
        read.Model.Should().BeSameAs(known);
        using var other = FrameCodec.ReadFrame(Header(frame), Bytes(frame.Rows), "folio-mob");
        other.Model.Should().Be("folio-moe");
    }

    [Fact]
    public void An_answer_to_another_frame_is_refused()
    {
        using var result = new DispatchResult([new(SegmentStatus.Done, 1)], RowBuffer.Rent(4, 1), 1);
        var bytes = Header(result);
        FluentActions.Invoking(() => FrameCodec.ReadResult(bytes, 16, 2, 4)).Should().Throw<MessagePackSerializationException>();
        FluentActions.Invoking(() => FrameCodec.ReadResult(bytes, 16, 1, 3)).Should().Throw<MessagePackSerializationException>();
        FluentActions.Invoking(() => FrameCodec.ReadResult(bytes, 12, 1, 4)).Should().Throw<MessagePackSerializationException>();
    }

    [Fact]
    public void Damaged_frames_are_refused_by_one_kind_of_error_and_allocate_little()
    {
        using var frame = Frame("folio-moe", 2, [new(new ReplicaId(2, 5, 1), 2), new(new ReplicaId(2, 6, 0), 1), new(new ReplicaId(2, 7, 300), 70)]);
        using var result = new DispatchResult(
            [new(SegmentStatus.Done, 300), new(SegmentStatus.Busy, 0), new(SegmentStatus.Failed, 7, "it threw")], frame.Rows, 70_000);
        var values = frame.Rows.Memory.Length;
        Wire.Damaged([Header(frame), Header(result)]).Sample(
            bytes =>
            {
                ReadOrRefuse(() => FrameCodec.ReadResult(bytes, 4 * values, 3, values).Dispose(), bytes.Length);
                ReadOrRefuse(() =>
                {
                    using var read = FrameCodec.ReadFrame(bytes, 4 * values);
                    Assert.Equal(read.Segments.Sum(s => (long)s.Rows) * read.HiddenSize, read.Rows.Length);
                }, bytes.Length);
            },
            iter: 20_000,
            threads: 1);
    }

    [Fact]
    public void Row_counts_whose_product_overflows_are_refused()
    {
        // 2^32 rows of 2^30 values are 2^64 bytes: nothing at all, to whoever computes in 64 bits.
        var bytes = Headed(1 << 30, [int.MaxValue, int.MaxValue, 2]);
        FluentActions.Invoking(() => FrameCodec.ReadFrame(bytes, 0)).Should().Throw<MessagePackSerializationException>();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Segments_without_rows_are_refused(int rows) =>
        FluentActions.Invoking(() => FrameCodec.ReadFrame(Headed(1, [rows]), 4 * Math.Max(rows, 0))).Should().Throw<MessagePackSerializationException>();

    private static byte[] Headed(int hidden, int[] rows)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(6);
        writer.Write("m");
        writer.Write(0);
        writer.Write(1L);
        writer.Write(1000L);
        writer.Write(hidden);
        writer.WriteArrayHeader(rows.Length * 3);
        foreach (var count in rows)
        {
            writer.Write(0);
            writer.Write(0);
            writer.Write(count);
        }

        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static DispatchFrame Frame(string model, int layer, DispatchSegment[] segments)
    {
        var buffer = RowBuffer.Rent(segments.Sum(s => s.Rows), 1);
        for (var i = 0; i < buffer.Memory.Length; i++)
        {
            buffer.Memory.Span[i] = i + 1;
        }

        return new DispatchFrame(model, layer, 7, TimeSpan.FromSeconds(1), 1, segments, buffer);
    }

    private static void ReadOrRefuse(Action read, int length)
    {
        var allocated = Wire.Allocated(() =>
        {
            try
            {
                read();
            }
            catch (MessagePackSerializationException)
            {
            }
        });
        Assert.True(allocated <= (64 * 1024) + (16L * length), $"{allocated} bytes allocated for {length}");
    }

    private static void Fill(RowBuffer buffer, int seed)
    {
        // Any bits will do, those of NaNs included.
        new Random(seed).NextBytes(buffer.Bytes.AsSpan());
    }

    private static byte[] Header(DispatchFrame frame)
    {
        var buffer = new ArrayBufferWriter<byte>();
        FrameCodec.Write(frame, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Header(DispatchResult result)
    {
        var buffer = new ArrayBufferWriter<byte>();
        FrameCodec.Write(result, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static long Bytes(RowBuffer rows) => rows.Bytes.Count;
}
