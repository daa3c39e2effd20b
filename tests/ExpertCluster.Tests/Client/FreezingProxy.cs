using System.Net;
using System.Net.Sockets;

namespace ExpertCluster.Tests.Client;

/// <summary>Forwards TCP until it is frozen; then it keeps its connections open and says nothing, as a host that lost power.</summary>
public sealed class FreezingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly IPEndPoint _target;
    private readonly List<Task> _running = [];
    private volatile bool _frozen;

    public FreezingProxy(string target)
    {
        _target = IPEndPoint.Parse(target);
        _listener.Start();
        _running.Add(AcceptAsync());
    }

    public string Endpoint => _listener.LocalEndpoint.ToString()!;

    public void Freeze() => _frozen = true;

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Dispose();
        await _running[0];
        await Task.WhenAll(_running);
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _running.Add(ServeAsync(await _listener.AcceptSocketAsync(_closing.Token)));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket near)
    {
        using var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using (near)
        {
            try
            {
                await far.ConnectAsync(_target, _closing.Token);
                await Task.WhenAny(CopyAsync(near, far), CopyAsync(far, near));
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException)
            {
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[16384];
        try
        {
            while (await from.ReceiveAsync(buffer, _closing.Token) is > 0 and int read)
            {
                if (_frozen)
                {
                    await Task.Delay(Timeout.Infinite, _closing.Token);
                }

                await to.SendAsync(buffer.AsMemory(0, read), _closing.Token);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }
}
