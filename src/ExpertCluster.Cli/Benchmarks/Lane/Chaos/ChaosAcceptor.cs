using System.Net;
using System.Net.Sockets;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>A peer that the server calls: greets properly, then reads slowly or not at all, and answers nothing, garbage, or half an answer.</summary>
internal sealed class ChaosAcceptor : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 * 1024 };
    private readonly Random _random;
    private readonly Action<string, bool> _ended;
    private readonly ManualResetEventSlim _closing = new();
    private readonly Thread _thread;

    public ChaosAcceptor(Random random, Action<string, bool> ended)
    {
        (_random, _ended) = (random, ended);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose()
    {
        _closing.Set();
        _listener.Dispose();
        _thread.Join(ChaosSettings.DropWithin);
    }

    private void Run()
    {
        while (!_closing.IsSet)
        {
            try
            {
                using var frames = Greeted();
                using var answers = Greeted();
                Treat(frames, answers);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or LaneProtocolException)
            {
                // The caller gave up half-way, or the run is over.
            }
        }
    }

    private Socket Greeted()
    {
        var socket = _listener.Accept();
        try
        {
            socket.ReceiveTimeout = socket.SendTimeout = (int)ChaosSettings.DropWithin.TotalMilliseconds;
            LaneHandshake.Accept(new SocketConnection(socket), ChaosSettings.Identity(ChaosSettings.Bad), _ => { });
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Treat(Socket frames, Socket answers)
    {
        switch (_random.Next(5))
        {
            case 0:
                Linger(frames, answers, read: true);
                _ended("acceptor: reads slowly, never answers, cuts", true);
                break;
            case 1:
                Linger(frames, answers, read: false);
                _ended("acceptor: reads nothing, cuts", true);
                break;
            case 2:
                var garbage = new byte[_random.Next(32, 2000)];
                _random.NextBytes(garbage);
                Say(answers, garbage);
                _ended("acceptor: garbage answers", ChaosWire.Closes(answers));
                break;
            case 3:
                // The beginning of an answer, and nothing more; the id is that of the caller's first frame.
                Say(answers, ChaosWire.Prefix(PacketKind.Open, 20, 1, 1000, 1000));
                answers.Shutdown(SocketShutdown.Send);
                _ended("acceptor: half an answer", ChaosWire.Closes(answers));
                break;
            default:
                _ended("acceptor: half-open", ChaosWire.Closes(answers));
                break;
        }
    }

    /// <summary>Shows life for up to four seconds.</summary>
    private void Linger(Socket frames, Socket answers, bool read)
    {
        var until = Environment.TickCount64 + _random.Next(500, 4000);
        var buffer = new byte[8 * 1024];
        while (Environment.TickCount64 < until && !_closing.Wait(20))
        {
            ChaosWire.SendAll(answers, ChaosWire.Heartbeat());
            if (read && frames.Available > 0 && frames.Receive(buffer) == 0)
            {
                return;
            }
        }

        ChaosWire.Cut(frames);
        ChaosWire.Cut(answers);
    }

    private static void Say(Socket socket, ReadOnlySpan<byte> bytes)
    {
        try
        {
            ChaosWire.SendAll(socket, bytes);
        }
        catch (SocketException)
        {
            // Closed before all was said.
        }
    }
}
