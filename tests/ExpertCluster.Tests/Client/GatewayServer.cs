using System.Net;
using ExpertCluster.Client;
using ExpertCluster.Node.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Tests.Client;

/// <summary>A real HTTP/2 server on a free loopback port with a <see cref="FakeGateway"/> behind it.</summary>
public sealed class GatewayServer : IGatewayDirectory, IAsyncDisposable
{
    private WebApplication? _app;

    private GatewayServer(FakeGateway gateway) => Gateway = gateway;

    public FakeGateway Gateway { get; }

    public string Endpoint { get; private set; } = "";

    /// <summary>What GetGateways answers.</summary>
    public IReadOnlyList<string> Endpoints { get; set; } = [];

    public static async Task<GatewayServer> StartAsync(FakeGateway? gateway = null, Action<GatewayGrpcOptions>? configure = null)
    {
        var server = new GatewayServer(gateway ?? new FakeGateway());
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton<IExpertClusterClient>(server.Gateway);
        builder.Services.AddSingleton<IGatewayDirectory>(server);
        builder.Services.AddExpertClusterGrpc(configure);
        server._app = builder.Build();
        server._app.MapExpertClusterGrpc();
        await server._app.StartAsync();
        server.Endpoint = new Uri(server._app.Urls.Single()).Authority;
        server.Endpoints = [server.Endpoint];
        return server;
    }

    /// <summary>Two gateways that know each other.</summary>
    public static async Task<(GatewayServer First, GatewayServer Second)> StartPairAsync()
    {
        GatewayServer first = await StartAsync();
        GatewayServer second = await StartAsync();
        first.Endpoints = second.Endpoints = [first.Endpoint, second.Endpoint];
        return (first, second);
    }

    /// <summary>Closes the port and cuts every connection without letting calls finish.</summary>
    public async Task KillAsync()
    {
        if (Interlocked.Exchange(ref _app, null) is { } app)
        {
            await app.StopAsync(new CancellationToken(canceled: true));
            await app.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}
