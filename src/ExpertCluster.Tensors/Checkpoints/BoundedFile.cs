using Microsoft.Win32.SafeHandles;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>
/// Reads small files whole. Lengths are those of the opened file: a model hub's cache holds only links, and a link's own length is that of
/// the path it names.
/// </summary>
public static class BoundedFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="limit">Most bytes it may have.</param>
    /// <param name="tooLong">Makes the error for a longer one from its length.</param>
    /// <exception cref="IOException">Missing, unreadable, of no known length, or it ended while it was read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder.</exception>
    public static byte[] Read(string path, long limit, Func<long, Exception> tooLong)
    {
        ArgumentNullException.ThrowIfNull(tooLong);
        using SafeFileHandle handle = File.OpenHandle(path);
        long length = Length(handle);
        if (length > limit)
        {
            throw tooLong(length);
        }

        var bytes = new byte[length];
        for (int read = 0; read < bytes.Length;)
        {
            int more = RandomAccess.Read(handle, bytes.AsSpan(read), read);
            read += more > 0 ? more : throw new EndOfStreamException($"it ended after {read} of {length} bytes.");
        }

        return bytes;
    }

    /// <summary>The length of what a handle opened.</summary>
    internal static long Length(SafeFileHandle handle)
    {
        try
        {
            return RandomAccess.GetLength(handle);
        }
        catch (NotSupportedException e)
        {
            throw new IOException("it is a pipe or device, which has no length; give a file.", e);
        }
    }
}
