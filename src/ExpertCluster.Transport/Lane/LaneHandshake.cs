using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MessagePack;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// The first words on a connection: who is it, whom does it want, does it know the secret. Both ends prove it (HMAC-SHA-256 over both
/// nonces and the greeting) and neither sends it. Synchronous: a socket that was used so stays one that a thread can block on.
/// </summary>
internal static class LaneHandshake
{
    /// <summary>The oldest version this program speaks.</summary>
    public const int MinVersion = 1;

    /// <summary>The newest. Version 2 has the forms of version 1: it is there so that nodes of two versions are tried together before a form
    /// changes.</summary>
    public const int MaxVersion = 2;

    private const int NonceBytes = 32;

    // The longest greeting has three names of at most 255 characters.
    private const int MaxBytes = 4096;

    // The first byte of a record of TLS, with which one who connects begins.
    private const byte TlsHandshake = 22;

    private static ReadOnlySpan<byte> Greeting => "ExpertCluster lane\n"u8;

    /// <summary>Speaks first.</summary>
    /// <returns>The version agreed on.</returns>
    /// <exception cref="LaneProtocolException">The peer turned us away, or is not what it should be.</exception>
    /// <exception cref="EndOfStreamException">The peer closed without a word.</exception>
    public static byte Connect(LaneConnection connection, LaneIdentity self, Contracts.NodeId to, Guid link, bool toAcceptor)
    {
        var hello = new LaneHello(
            MinVersion, self.MaxVersion, self.Cluster, self.Self, to, link, toAcceptor, RandomNumberGenerator.GetBytes(NonceBytes)).Write();
        connection.Send(Greeting);
        Send(connection, hello);

        var reader = new MessagePackReader(Receive(connection));
        var fields = reader.ReadArrayHeader();
        var version = reader.ReadInt32();
        if (version == 0)
        {
            throw new LaneProtocolException($"it turned this node away: {reader.ReadString()}");
        }

        if (fields < 3 || version < MinVersion || version > self.MaxVersion)
        {
            throw new LaneProtocolException($"it chose version {version}; this node speaks {MinVersion} to {self.MaxVersion}");
        }

        var nonce = LaneHello.Bytes(ref reader, NonceBytes);
        if (!CryptographicOperations.FixedTimeEquals(LaneHello.Bytes(ref reader, 32), Proof(self, "acceptor", hello, nonce)))
        {
            throw new LaneProtocolException("it does not know the secret of this cluster (ExpertCluster:Lane:Secret)");
        }

        Send(connection, Proof(self, "connector", hello, nonce));
        return Receive(connection) is [1] ? (byte)version : throw new LaneProtocolException("it did not accept this node's proof");
    }

    /// <summary>Answers.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="self">This node.</param>
    /// <param name="accepting">Called when the peer has proved itself, before it learns so and goes on.</param>
    /// <exception cref="LaneProtocolException">The peer was turned away; the message says why.</exception>
    public static (LaneHello Hello, byte Version) Accept(LaneConnection connection, LaneIdentity self, Action<LaneHello> accepting)
    {
        Span<byte> greeting = stackalloc byte[Greeting.Length];
        ReceiveExactly(connection, greeting);
        if (!greeting.SequenceEqual(Greeting))
        {
            if (greeting[0] == TlsHandshake)
            {
                throw new LaneProtocolException("it speaks TLS, which this node does not (ExpertCluster:Lane:Tls must be set on both)");
            }

            throw new LaneProtocolException("it does not speak the lane's language");
        }

        var bytes = Receive(connection);
        LaneHello hello;
        try
        {
            hello = LaneHello.Read(bytes);
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException or OverflowException)
        {
            throw new LaneProtocolException("its greeting is malformed");
        }

        var version = Math.Min(hello.MaxVersion, self.MaxVersion);
        if (version < Math.Max(hello.MinVersion, MinVersion))
        {
            throw Refuse(connection, $"it speaks versions {hello.MinVersion} to {hello.MaxVersion}, this node {MinVersion} to {self.MaxVersion}");
        }

        if (hello.Cluster != self.Cluster)
        {
            throw Refuse(connection, $"it belongs to cluster '{Printable(hello.Cluster)}', this node to '{self.Cluster}'");
        }

        if (hello.To != self.Self)
        {
            throw Refuse(connection, $"it looks for {Printable(hello.To.ToString())}, this node is {self.Self}");
        }

        var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(3);
        writer.Write(version);
        writer.Write(nonce);
        writer.Write(Proof(self, "acceptor", bytes, nonce));
        writer.Flush();
        Send(connection, buffer.WrittenSpan);
        if (!CryptographicOperations.FixedTimeEquals(Receive(connection), Proof(self, "connector", bytes, nonce)))
        {
            Send(connection, [0]);
            throw new LaneProtocolException("it does not know the secret of this cluster");
        }

        accepting(hello);
        Send(connection, [1]);
        return (hello, (byte)version);
    }

    /// <summary>Tells a peer why it is turned away, as far as it still listens.</summary>
    public static LaneProtocolException Refuse(LaneConnection connection, string reason)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(2);
        writer.Write(0);
        writer.Write(reason);
        writer.Flush();
        try
        {
            Send(connection, buffer.WrittenSpan);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // Its loss.
        }

        return new LaneProtocolException(reason);
    }

    private static byte[] Proof(LaneIdentity self, string side, byte[] hello, byte[] nonce)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, self.Secret.Span);
        hmac.AppendData(Encoding.ASCII.GetBytes(side));
        hmac.AppendData(nonce);
        hmac.AppendData(hello);
        return hmac.GetHashAndReset();
    }

    /// <summary>Text from a stranger, for a log.</summary>
    private static string Printable(string text) =>
        string.Concat(text.Take(80).Select(c => c is >= ' ' and <= '~' ? c : '?'));

    private static void Send(LaneConnection connection, ReadOnlySpan<byte> bytes)
    {
        Span<byte> message = stackalloc byte[sizeof(int) + MaxBytes];
        if (bytes.Length > MaxBytes)
        {
            throw new LaneProtocolException($"a greeting of {bytes.Length} bytes is too long");
        }

        BinaryPrimitives.WriteInt32LittleEndian(message, bytes.Length);
        bytes.CopyTo(message[sizeof(int)..]);
        connection.Send(message[..(sizeof(int) + bytes.Length)]);
    }

    private static byte[] Receive(LaneConnection connection)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        ReceiveExactly(connection, length);
        var bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (bytes is < 0 or > MaxBytes)
        {
            throw new LaneProtocolException($"its greeting has {bytes:N0} bytes; at most {MaxBytes:N0} are taken");
        }

        var message = new byte[bytes];
        ReceiveExactly(connection, message);
        return message;
    }

    private static void ReceiveExactly(LaneConnection connection, Span<byte> target)
    {
        while (target.Length > 0)
        {
            var read = connection.Receive(target);
            if (read == 0)
            {
                throw new EndOfStreamException("it closed the connection during the greeting");
            }

            target = target[read..];
        }
    }
}
