using Akka.Actor;
using Akka.Configuration;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>Byte arrays in messages of Akka.Remote, echoed by an actor: what tensors would travel as without a lane.</summary>
internal sealed class AkkaRemote : ILaneSubject
{
    private const string Settings = """
        akka.actor.provider = remote
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0, maximum-frame-size = 16 MiB, send-buffer-size = 16 MiB, receive-buffer-size = 16 MiB }
        """;

    private readonly ActorSystem _system = ActorSystem.Create("bench", ConfigurationFactory.ParseString(Settings));
    private readonly IActorRef _server;
    private readonly IActorRef _beats;
    private readonly IActorRef _receiver;
    private readonly byte[][] _payloads = new byte[21][];
    private volatile SemaphoreSlim? _room;
    private volatile CountdownEvent? _done;
    private long _lastBeat;
    private long _longestGap;

    public AkkaRemote(int port)
    {
        _server = Resolve("echo");
        _beats = Resolve("beats");
        _receiver = _system.ActorOf(Props.Create(() => new Receiver(this)), "receiver");

        IActorRef Resolve(string name) =>
            ((ExtendedActorSystem)_system).Provider.ResolveActorRef($"akka.tcp://bench@127.0.0.1:{port}/user/{name}");
    }

    public string Name => "Akka.Remote";

    public static int Serve()
    {
        var system = ActorSystem.Create("bench", ConfigurationFactory.ParseString(Settings));
        system.ActorOf(Props.Create(() => new Echo()), "echo");
        system.ActorOf(Props.Create(() => new Beats()), "beats");
        return ((ExtendedActorSystem)system).Provider.DefaultAddress.Port!.Value;
    }

    public void Exchange(int bytes, int messages, int window)
    {
        using var room = new SemaphoreSlim(window);
        using var done = new CountdownEvent(messages);
        (_room, _done) = (room, done);
        var payload = _payloads[System.Numerics.BitOperations.Log2((uint)bytes)] ??= new byte[bytes];
        for (var i = 0; i < messages; i++)
        {
            room.Wait();
            _server.Tell(payload, _receiver);
        }

        done.Wait();
        (_room, _done) = (null, null);
    }

    /// <summary>Begins to listen to the other system's beats, one in 100 ms.</summary>
    public void StartBeats()
    {
        _lastBeat = 0;
        _longestGap = 0;
        _beats.Tell("start", _receiver);
    }

    /// <summary>The longest time between two beats, in milliseconds.</summary>
    public double StopBeats()
    {
        _beats.Tell("stop", _receiver);
        return TimeSpan.FromTicks(Interlocked.Read(ref _longestGap)).TotalMilliseconds;
    }

    public void Dispose() => _system.Terminate().Wait();

    private void Beat()
    {
        var now = DateTime.UtcNow.Ticks;
        if (_lastBeat != 0)
        {
            Interlocked.Exchange(ref _longestGap, Math.Max(_longestGap, now - _lastBeat));
        }

        _lastBeat = now;
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => Receive<byte[]>(bytes => Sender.Tell(bytes));
    }

    private sealed class Receiver : ReceiveActor
    {
        public Receiver(AkkaRemote owner)
        {
            Receive<byte[]>(_ =>
            {
                owner._room?.Release();
                owner._done?.Signal();
            });
            Receive<string>(_ => owner.Beat());
        }
    }

    private sealed class Beats : ReceiveActor, IWithTimers
    {
        private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

        public Beats()
        {
            IActorRef? listener = null;
            Receive<string>(text => text == "start", _ =>
            {
                listener = Sender;
                Timers.StartPeriodicTimer("beat", 1, Interval);
            });
            Receive<string>(_ => Timers.Cancel("beat"));
            Receive<int>(_ => listener?.Tell("beat"));
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }
}
