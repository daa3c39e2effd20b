using System.Net;
using System.Net.Sockets;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>Stands between an honest lane and the server: passes bytes on, some connections slowly, and cuts each one in the middle of something.</summary>
internal sealed class ChaosProxy : IDisposable
{
    private const int LeastBytes = 64 * 1024;
    private const int MostBytes = 24 << 20;
    private const int BufferBytes = 32 * 1024;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly int _server;
    private readonly Random _random;
    private readonly ManualResetEventSlim _closing = new();
    private int _cuts;

    public ChaosProxy(int server, Random random)
    {
        (_server, _random) = (server, random);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Connections cut so far.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    public void Dispose()
    {
        _closing.Set();
        _listener.Dispose();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var near = _listener.Accept();
                var far = ChaosWire.Dial(_server);
                (near.NoDelay, far.ReceiveTimeout, far.SendTimeout) = (true, 0, 0);
                var pair = new Pair { Left = _random.Next(LeastBytes, MostBytes), PauseMs = _random.Next(4) == 0 ? 1 : 0 };
                new Thread(() => Pump(pair, near, far)) { IsBackground = true }.Start();
                new Thread(() => Pump(pair, far, near)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end of the run.
        }
    }

    private void Pump(Pair pair, Socket from, Socket to)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            for (int read; (read = from.Receive(buffer)) > 0 && Interlocked.Add(ref pair.Left, -read) > 0;)
            {
                ChaosWire.SendAll(to, buffer.AsSpan(0, read));
                if (pair.PauseMs > 0)
                {
                    _closing.Wait(pair.PauseMs);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One end has gone; the other follows.
        }

        if (Interlocked.Exchange(ref pair.Closed, 1) == 0)
        {
            Interlocked.Add(ref _cuts, pair.Left <= 0 ? 1 : 0);
            ChaosWire.Cut(from);
            ChaosWire.Cut(to);
        }
    }

    private sealed class Pair
    {
        public int Left;
        public int Closed;

        public int PauseMs { get; init; }
    }
}
