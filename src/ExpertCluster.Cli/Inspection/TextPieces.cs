using System.Text;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Inspection;

/// <summary>
/// A UTF-8 text, piece by piece, so that a file of any size takes little memory. Pieces end between lines: a text of up to
/// <see cref="PieceLength"/> characters is one piece.
/// </summary>
internal static class TextPieces
{
    /// <summary>Characters after which a piece ends at the next chance.</summary>
    public const int PieceLength = 1 << 20;

    private const int BufferBytes = 1 << 16;

    /// <exception cref="UsageException">The file is missing, unreadable, empty, binary or not UTF-8; found when its pieces are read.</exception>
    public static IEnumerable<string> Read(string path)
    {
        using var file = Open(path);
        var decoder = new UTF8Encoding(false, throwOnInvalidBytes: true).GetDecoder();
        var bytes = new byte[BufferBytes];
        var chars = new char[BufferBytes + 1];
        var text = new StringBuilder();
        long at = 0;
        for (var ended = false; !ended;)
        {
            var count = Guard(path, () => file.Read(bytes));
            ended = count == 0;
            if (ended && at == 0)
            {
                throw new UsageException($"{path} is empty; there is nothing to route.");
            }

            if (bytes.AsSpan(0, count).IndexOf((byte)0) is >= 0 and var zero)
            {
                throw new UsageException($"{path} is no text: it has a zero byte at {at + zero}.");
            }

            var decoded = Decode(path, at, () => decoder.GetChars(bytes.AsSpan(0, count), chars, flush: ended));
            text.Append(at == 0 && decoded > 0 && chars[0] == '\uFEFF' ? chars.AsSpan(1, decoded - 1) : chars.AsSpan(0, decoded));
            at += count;
            while (text.Length >= PieceLength)
            {
                var whole = text.ToString();
                var cut = Cut(whole);
                yield return whole[..cut];
                text.Clear().Append(whole, cut, whole.Length - cut);
            }
        }

        if (text.Length > 0)
        {
            yield return text.ToString();
        }
    }

    /// <summary>After the last line feed that a visible character follows; anywhere but inside a character where there is none.</summary>
    private static int Cut(string text)
    {
        for (var i = text.Length - 1; i > text.Length / 2; i--)
        {
            if (text[i - 1] == '\n' && !char.IsWhiteSpace(text[i]))
            {
                return i;
            }
        }

        return char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length;
    }

    private static FileStream Open(string path) => Directory.Exists(path)
        ? throw new UsageException($"{path} is a directory; --text takes files.")
        : !File.Exists(path) ? throw new UsageException($"{path}: no such file.")
        : Guard(path, () => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1));

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} can not be read: {e.Message}");
        }
    }

    private static int Decode(string path, long at, Func<int> decode)
    {
        try
        {
            return decode();
        }
        catch (DecoderFallbackException e)
        {
            throw new UsageException($"{path} is not UTF-8: bytes that are no character near byte {Math.Max(0, at + e.Index)}; convert it first.");
        }
    }
}
