using System.Net.Sockets;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>
/// Bad connections to a server. Each says what was bad about it, and whether the server closed it in time. What the server answered rightly
/// or wrongly meanwhile is counted as well.
/// </summary>
internal sealed class ChaosAttacks(int port, Random random, Action<int, int> checkedAnswers)
{
    /// <summary>A name and a way of being bad; the way returns whether it was dropped.</summary>
    public (string Name, Func<bool> Run)[] All => [
        ("stranger: garbage", GarbageGreeting),
        ("stranger: half a greeting", HalfGreeting),
        ("stranger: silent", () => WithStranger(_ => { })),
        ("stranger: wrong secret", WrongSecret),
        ("peer: garbage frames", GarbageFrames),
        ("peer: contradictory packets", ContradictoryPackets),
        ("peer: truncated frame", TruncatedFrame),
        ("peer: cut in the middle of a frame", CutMidFrame),
        ("peer: half-open", () => WithLink((_, answers) => ChaosWire.Closes(answers))),
        ("peer: slow reader that stops", SlowReader),
    ];

    private bool GarbageGreeting() => WithStranger(socket => ChaosWire.SendAll(socket, Garbage(4096)));

    private bool HalfGreeting() => WithStranger(socket => ChaosWire.SendAll(socket, [.. "ExpertCluster lane\n"u8, 100, 0, 0, 0, .. Garbage(90)]));

    private bool WrongSecret()
    {
        using var socket = ChaosWire.Dial(port);
        try
        {
            LaneHandshake.Connect(new SocketConnection(socket), ChaosSettings.Identity(ChaosSettings.Bad, knowsSecret: false), ChaosSettings.Server, Guid.NewGuid(), toAcceptor: random.Next(2) == 0);
            return false;
        }
        catch (LaneProtocolException)
        {
            return ChaosWire.Closes(socket);
        }
    }

    private bool GarbageFrames() => WithLink((frames, answers) =>
    {
        ChaosWire.SendAll(frames, ChaosWire.Request(Id(), 1 + random.Next(100)));
        ChaosWire.SendAll(frames, Garbage(8192));
        return ChaosWire.Closes(answers);
    });

    private bool ContradictoryPackets() => WithLink((frames, answers) =>
    {
        var id = Id();
        ChaosWire.SendAll(frames, random.Next(5) switch
        {
            0 => ChaosWire.Prefix((PacketKind)77, 0, id, 0, 0),
            1 => ChaosWire.Prefix(PacketKind.More, 0, id, 10, 5),
            2 => ChaosWire.Prefix(PacketKind.Open, 10, id, long.MaxValue / 2, 10),
            3 => ChaosWire.Prefix(PacketKind.Open, 2 << 20, id, 0, 0),
            _ => [.. ChaosWire.Prefix(PacketKind.Open, 3, id, 100, 100), .. Garbage(103)],
        });
        ChaosWire.SendAll(frames, Garbage(200));
        return ChaosWire.Closes(answers);
    });

    private bool TruncatedFrame() => WithLink((frames, answers) =>
    {
        var request = ChaosWire.Request(Id(), 64 + random.Next(1000));
        ChaosWire.SendAll(frames, request.AsSpan(0, random.Next(1, request.Length)));
        frames.Shutdown(SocketShutdown.Send);
        return ChaosWire.Closes(answers);
    });

    private bool CutMidFrame() => WithLink((frames, answers) =>
    {
        for (var whole = random.Next(4); whole > 0; whole--)
        {
            ChaosWire.SendAll(frames, ChaosWire.Request(Id(), 1 + random.Next(1000)));
        }

        var request = ChaosWire.Request(Id(), 64 + random.Next(2000));
        ChaosWire.SendAll(frames, request.AsSpan(0, random.Next(1, request.Length)));
        var (cut, other) = random.Next(2) == 0 ? (frames, answers) : (answers, frames);
        ChaosWire.Cut(cut);
        return ChaosWire.Closes(other);
    });

    /// <summary>Sends without end; takes answers slowly for a while, then none.</summary>
    private bool SlowReader() => WithLink((frames, answers) =>
    {
        var until = Environment.TickCount64 + random.Next(200, 2000);
        using var pause = new ManualResetEventSlim();
        var reading = Task.Run(() => ChaosWire.ReadAnswers(answers, () =>
        {
            pause.Wait(random.Next(1, 20));
            return Environment.TickCount64 < until;
        }));
        var deadline = Environment.TickCount64 + (2 * (long)ChaosSettings.DropWithin.TotalMilliseconds);
        var dropped = false;
        var request = new Random(random.Next());
        while (!dropped && Environment.TickCount64 < deadline)
        {
            var began = Environment.TickCount64;
            try
            {
                ChaosWire.SendAll(frames, ChaosWire.Request((ulong)request.NextInt64(), 256 + request.Next(1024)));
            }
            catch (SocketException)
            {
                dropped = ChaosWire.WasClosed(began);
                break;
            }
        }

        var (read, wrong) = reading.GetAwaiter().GetResult();
        checkedAnswers(read, wrong);
        return dropped;
    });

    private bool WithStranger(Action<Socket> act)
    {
        using var socket = ChaosWire.Dial(port);
        try
        {
            act(socket);
        }
        catch (SocketException)
        {
            // It was turned away before it had said all of it.
        }

        return ChaosWire.Closes(socket);
    }

    private bool WithLink(Func<Socket, Socket, bool> act)
    {
        var (frames, answers) = ChaosWire.Link(port);
        using (frames)
        using (answers)
        {
            try
            {
                return act(frames, answers);
            }
            catch (SocketException)
            {
                // The link ended before all of it was said.
                return true;
            }
        }
    }

    private ulong Id() => (ulong)random.NextInt64();

    private byte[] Garbage(int most)
    {
        var bytes = new byte[random.Next(1, most)];
        random.NextBytes(bytes);
        return bytes;
    }
}
