using System.Buffers.Binary;
using System.Text;
using CsCheck;
using ExpertCluster.Tensors;

namespace ExpertCluster.Tests.Tensors;

public sealed class ElfVersionNeedsTests
{
    private const int Needs = 256;

    [Fact]
    public void Marks_only_the_named_version_weak()
    {
        byte[] elf = Sample();
        ElfVersionNeeds.Weaken(elf, "GLIBCXX_3.4.32").Should().Be(1);
        Flags(elf, 0).Should().Be(0);
        Flags(elf, 1).Should().Be(2);
        ElfVersionNeeds.Weaken(elf, "GLIBCXX_3.4.32").Should().Be(0, "it is weak already");
        ElfVersionNeeds.Weaken(elf, "GLIBCXX_3.4.3").Should().Be(0, "a prefix is another version");
    }

    [Fact]
    public void Refuses_what_is_not_a_64_bit_little_endian_elf_file()
    {
        foreach (byte[] bad in (byte[][])[[], new byte[64], Encoding.ASCII.GetBytes(new string('x', 200)), Changed(4, 1), Changed(5, 2), Changed(0x3a, 8)])
        {
            Action patch = () => ElfVersionNeeds.Weaken(bad, "GLIBCXX_3.4.32");
            patch.Should().Throw<InvalidDataException>();
        }
    }

    [Fact]
    public void Survives_any_damage()
    {
        Gen.Select(Gen.Int[0, Sample().Length - 1], Gen.Byte, Gen.Int[0, Sample().Length]).Array[1, 8].Sample(
            edits =>
            {
                byte[] elf = Sample();
                int length = elf.Length;
                foreach ((int at, byte value, int cut) in edits)
                {
                    elf[at] = value;
                    length = value % 8 == 0 ? Math.Min(length, cut) : length;
                }

                try
                {
                    ElfVersionNeeds.Weaken(elf.AsSpan(0, length), "GLIBCXX_3.4.32");
                }
                catch (InvalidDataException)
                {
                }
            },
            iter: 20_000);
    }

    [Fact]
    public void Copies_are_made_once_and_by_many_at_a_time()
    {
        string folder = Directory.CreateTempSubdirectory("expertcluster-test-").FullName;
        try
        {
            string original = Path.Combine(folder, "libx.so");
            File.WriteAllBytes(original, Sample());
            string cache = Path.Combine(folder, "cache");
            string[] paths = new string[16];
            Parallel.For(0, paths.Length, i => paths[i] = BindingPatch.Make(original, cache, out _));
            paths.Distinct().Should().ContainSingle();
            File.ReadAllBytes(original).Should().Equal(Sample(), "the original stays as it is");
            Flags(File.ReadAllBytes(paths[0]), 1).Should().Be(2);
            Directory.GetFiles(cache, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
                .Should().ContainSingle("no half-written file stays");

            File.WriteAllBytes(paths[0], [1, 2, 3]);
            Flags(File.ReadAllBytes(BindingPatch.Make(original, cache, out _)), 1).Should().Be(2, "a damaged copy is replaced");
            string elsewhere = BindingPatch.Make(original, original, out bool temporary);
            temporary.Should().BeTrue("a cache folder that cannot be made is no obstacle");
            Directory.Delete(Path.GetDirectoryName(elsewhere)!, true);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void A_wrong_explicit_folder_is_not_taken()
    {
        LibTorch.FolderWithLibTorch("/nonexistent").Should().BeNull();
        LibTorchNotFoundException.From("Nothing.", ["a: b"]).Message.Should().Contain("a: b").And.Contain("LIBTORCH");
    }

    private static ushort Flags(byte[] elf, int entry) => BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(Needs + 16 + (16 * entry) + 4));

    private static byte[] Changed(int at, byte value)
    {
        byte[] elf = Sample();
        elf[at] = value;
        return elf;
    }

    /// <summary>An ELF file with two sections: strings at 400 and one version need with two entries at 256.</summary>
    private static byte[] Sample()
    {
        byte[] elf = new byte[512];
        Span<byte> span = elf;
        "\u007fELF"u8.CopyTo(elf);
        elf[4] = 2;
        elf[5] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(span[0x28..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(span[0x3a..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(span[0x3c..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(64 + 4)..], 3);
        BinaryPrimitives.WriteUInt64LittleEndian(span[(64 + 0x18)..], 400);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(128 + 4)..], 0x6ffffffe);
        BinaryPrimitives.WriteUInt64LittleEndian(span[(128 + 0x18)..], Needs);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(128 + 0x28)..], 0);
        BinaryPrimitives.WriteUInt16LittleEndian(span[(Needs + 2)..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(Needs + 8)..], 16);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(Needs + 16 + 8)..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(Needs + 16 + 12)..], 16);
        BinaryPrimitives.WriteUInt32LittleEndian(span[(Needs + 32 + 8)..], 20);
        Encoding.ASCII.GetBytes("GLIBCXX_3.4.30").CopyTo(elf, 401);
        Encoding.ASCII.GetBytes("GLIBCXX_3.4.32").CopyTo(elf, 420);
        return elf;
    }
}
