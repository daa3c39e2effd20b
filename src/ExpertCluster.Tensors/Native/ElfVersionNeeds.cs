using System.Buffers.Binary;
using System.Text;

namespace ExpertCluster.Tensors;

/// <summary>
/// Reads and edits the symbol versions a 64-bit little-endian ELF library asks of other libraries (section type SHT_GNU_verneed;
/// layout: "Linux Standard Base Core Specification", symbol versioning).
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;
    private const ushort FlagWeak = 0x2;
    private const int SectionHeaderSize = 64;
    private const int NeedSize = 16;
    private const int AuxiliarySize = 16;

    /// <summary>
    /// Marks every requirement of <paramref name="version"/> as weak, so that the loader warns instead of refusing where the
    /// version is missing. Sound only when no relocation needs a symbol of that version.
    /// </summary>
    /// <param name="elf">The library's bytes, edited in place.</param>
    /// <param name="version">For example <c>GLIBCXX_3.4.32</c>.</param>
    /// <returns>How many requirements were changed; 0 when the library does not ask for that version or asks weakly already.</returns>
    /// <exception cref="InvalidDataException">The bytes are not a well-formed 64-bit little-endian ELF file.</exception>
    public static int Weaken(Span<byte> elf, string version)
    {
        if (elf.Length < 64 || !elf[..4].SequenceEqual("\u007fELF"u8))
        {
            throw new InvalidDataException("not an ELF file");
        }

        if (elf[4] != 2 || elf[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(elf[0x28..]);
        int entrySize = BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3a..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3c..]);
        if (count > 0 && entrySize < SectionHeaderSize)
        {
            throw new InvalidDataException($"section header size {entrySize} is below {SectionHeaderSize}");
        }

        byte[] wanted = Encoding.ASCII.GetBytes(version);
        int changed = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> section = Slice(elf, table, (ulong)i * (ulong)entrySize, SectionHeaderSize, "section header");
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) != SectionTypeVersionNeeds)
            {
                continue;
            }

            ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(section[0x18..]);
            uint link = BinaryPrimitives.ReadUInt32LittleEndian(section[0x28..]);
            if (link >= count)
            {
                throw new InvalidDataException($"version section links to section {link} of {count}");
            }

            ReadOnlySpan<byte> strings = Slice(elf, table, link * (ulong)entrySize, SectionHeaderSize, "section header");
            ulong stringOffset = BinaryPrimitives.ReadUInt64LittleEndian(strings[0x18..]);
            changed += WeakenSection(elf, offset, stringOffset, wanted);
        }

        return changed;
    }

    private static int WeakenSection(Span<byte> elf, ulong need, ulong strings, ReadOnlySpan<byte> version)
    {
        int changed = 0;
        // Every step moves forward by at least one byte, so a cyclic list cannot hold us.
        while (true)
        {
            ReadOnlySpan<byte> entry = Slice(elf, need, 0, NeedSize, "version need");
            int auxiliaries = BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]);
            uint toAuxiliary = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            uint toNext = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            ulong at = need + toAuxiliary;
            for (int i = 0; i < auxiliaries; i++)
            {
                Span<byte> auxiliary = Slice(elf, at, 0, AuxiliarySize, "version entry");
                uint name = BinaryPrimitives.ReadUInt32LittleEndian(auxiliary[8..]);
                ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(auxiliary[4..]);
                if ((flags & FlagWeak) == 0 && NameIs(elf, strings, name, version))
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(auxiliary[4..], (ushort)(flags | FlagWeak));
                    changed++;
                }

                uint step = BinaryPrimitives.ReadUInt32LittleEndian(auxiliary[12..]);
                if (step == 0)
                {
                    break;
                }

                at += step;
            }

            if (toNext == 0)
            {
                return changed;
            }

            need += toNext;
        }
    }

    private static bool NameIs(ReadOnlySpan<byte> elf, ulong strings, uint name, ReadOnlySpan<byte> wanted)
    {
        ReadOnlySpan<byte> text = Slice(elf, strings, name, 1, "version name");
        ulong start = strings + name;
        text = elf[(int)start..];
        return text.Length > wanted.Length && text[..wanted.Length].SequenceEqual(wanted) && text[wanted.Length] == 0;
    }

    private static Span<byte> Slice(Span<byte> elf, ulong start, ulong offset, int length, string what)
    {
        Check(elf.Length, start, offset, length, what);
        return elf.Slice((int)(start + offset), length);
    }

    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> elf, ulong start, ulong offset, int length, string what)
    {
        Check(elf.Length, start, offset, length, what);
        return elf.Slice((int)(start + offset), length);
    }

    private static void Check(int total, ulong start, ulong offset, int length, string what)
    {
        if (start > (ulong)total || offset > (ulong)total || start + offset + (ulong)length > (ulong)total)
        {
            throw new InvalidDataException($"{what} at {start}+{offset} lies outside the file of {total} bytes");
        }
    }
}
