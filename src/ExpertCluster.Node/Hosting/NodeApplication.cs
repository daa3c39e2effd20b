using System.Net;
using System.Text.Json;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Node.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ExpertCluster.Node.Hosting;

/// <summary>A node as a process of its own: configuration, cluster, and – on a gateway – an endpoint for clients.</summary>
public static class NodeApplication
{
    /// <summary>Prefix of environment variables that set options, such as <c>EXPERTCLUSTER_ExpertCluster__Node__Port</c>.</summary>
    public const string EnvironmentPrefix = "EXPERTCLUSTER_";

    /// <summary>Builds the host; nothing runs yet.</summary>
    /// <param name="configFile">A JSON file with a section <c>ExpertCluster</c>; none where null.</param>
    /// <param name="overrides">Settings that win over file and environment, as <c>ExpertCluster:Node:Port</c> → value.</param>
    /// <param name="logging">Changes logging; one line an event on the console by default.</param>
    /// <exception cref="InvalidDataException">The file is missing or no JSON; the message names it.</exception>
    /// <exception cref="PortUnavailableException">The port for clients is taken.</exception>
    /// <exception cref="OptionsValidationException">An option is out of range; each failure names key, value and range.</exception>
    public static WebApplication Build(
        string? configFile, IEnumerable<KeyValuePair<string, string?>> overrides, Action<ILoggingBuilder>? logging = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        AddConfiguration(builder.Configuration, configFile, overrides);
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        if (logging is null)
        {
            builder.Logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
        }
        else
        {
            logging(builder.Logging);
        }

        // What these say at a failed start, whoever runs the application says better.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Logging.AddFilter("Akka.Hosting.AkkaHostedService", LogLevel.None);
        var options = Read(builder.Configuration);
        builder.Services.AddExpertCluster();
        builder.WebHost.UseKestrelCore();
        if (options.IsGateway)
        {
            PortProbe.Require("ExpertCluster:Gateway:Port", options.Gateway.BindHost, options.Gateway.Port);
            builder.Services.AddRouting();
            builder.Services.AddExpertClusterGrpc();
            builder.Services.AddSingleton<IGatewayDirectory, ClusterGatewayDirectory>();
            builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options.Gateway));
        }
        else
        {
            builder.WebHost.UseUrls();
            builder.Services.AddSingleton<IServer, NoServer>();
        }

        var application = builder.Build();
        if (options.IsGateway)
        {
            application.UseRouting();
            application.MapExpertClusterGrpc();
            application.Lifetime.ApplicationStarted.Register(() => Announce(application, options));
        }

        return application;
    }

    private static void AddConfiguration(
        IConfigurationBuilder configuration, string? configFile, IEnumerable<KeyValuePair<string, string?>> overrides)
    {
        if (configFile is not null)
        {
            var path = Path.GetFullPath(configFile);
            if (!File.Exists(path))
            {
                throw new InvalidDataException($"{configFile}: no such file.");
            }

            try
            {
                configuration.AddJsonFile(path, optional: false, reloadOnChange: false);
                if (!new ConfigurationBuilder().AddJsonFile(path).Build().GetSection(ExpertClusterOptions.Section).Exists())
                {
                    throw new InvalidDataException($"{configFile}: has no section {ExpertClusterOptions.Section}; see config/node.json.");
                }
            }
            catch (InvalidDataException e) when (e.InnerException is not null)
            {
                throw new InvalidDataException(Explain(configFile, e.GetBaseException()), e);
            }
        }

        configuration.AddEnvironmentVariables(EnvironmentPrefix);
        configuration.AddInMemoryCollection(overrides);
    }

    private static string Explain(string configFile, Exception cause)
    {
        if (cause is not JsonException { LineNumber: { } line })
        {
            return $"{configFile}: {cause.Message}";
        }

        // The message ends with line and byte, counted from 0.
        var end = cause.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return $"{configFile}, line {line + 1}: {(end < 0 ? cause.Message : cause.Message[..end])}";
    }

    private static ExpertClusterOptions Read(IConfiguration configuration)
    {
        var options = new ExpertClusterOptions();
        try
        {
            // A key nobody knows is a mistake, not a comment. The endpoint's own limits have options of their own.
            var known = new ConfigurationBuilder().AddInMemoryCollection(configuration.GetSection(ExpertClusterOptions.Section)
                .AsEnumerable(makePathsRelative: true).Where(p => p.Key != "Grpc" && !p.Key.StartsWith("Grpc:", StringComparison.OrdinalIgnoreCase)));
            known.Build().Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException e)
        {
            // The binder names the key; its inner exception names value and type.
            var listed = e.Message.LastIndexOf("instance of ", StringComparison.Ordinal);
            throw new InvalidDataException(
                e.InnerException is not null ? $"{e.Message} {e.InnerException.Message}"
                : listed >= 0 ? $"Unknown keys in the section {ExpertClusterOptions.Section} "
                    + $"({e.Message[(listed + "instance of ".Length)..].Split(':')[0].Split('.')[^1]}): {e.Message[(e.Message.LastIndexOf(':') + 1)..].Trim()}"
                : e.Message, e);
        }

        return options.Validate() is { Count: > 0 } errors
            ? throw new OptionsValidationException(ExpertClusterOptions.Section, typeof(ExpertClusterOptions), errors)
            : options;
    }

    private static void Listen(KestrelServerOptions kestrel, GatewayOptions gateway)
    {
        if (IPAddress.TryParse(gateway.BindHost, out var address))
        {
            kestrel.Listen(address, gateway.Port, UseHttp2);
        }
        else if (gateway.BindHost is "localhost")
        {
            kestrel.Listen(IPAddress.Loopback, gateway.Port, UseHttp2);
        }
        else
        {
            kestrel.ListenAnyIP(gateway.Port, UseHttp2);
        }

        static void UseHttp2(ListenOptions listen) => listen.Protocols = HttpProtocols.Http2;
    }

    /// <summary>Only now is a port of 0 a real one.</summary>
    private static void Announce(WebApplication application, ExpertClusterOptions options)
    {
        var bound = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var endpoint = $"{options.Gateway.AdvertisedHost ?? options.Node.Host}:{new Uri(bound).Port}";
        application.Services.GetRequiredService<ClusterRuntime>().Announce(endpoint);
        NodeLog.Listening(application.Logger, endpoint);
    }
}
