using Akka.Hosting;
using ExpertCluster.Client;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Node.InProcess;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ExpertCluster.Node.Hosting;

/// <summary>Adds a node of an ExpertCluster to a host.</summary>
public static class ExpertClusterServiceCollectionExtensions
{
    private static readonly TimeSpan LeaveTime = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The host becomes a node: it joins the cluster when it starts and leaves when it stops. Options come from the configuration section
    /// <c>ExpertCluster</c>, then from <paramref name="configure"/>; they are validated at start. On a node with the gateway role an
    /// <see cref="IExpertClusterClient"/> answers in process.
    /// </summary>
    public static IServiceCollection AddExpertCluster(this IServiceCollection services, Action<ExpertClusterOptions>? configure = null)
    {
        var options = services.AddOptions<ExpertClusterOptions>().BindConfiguration(ExpertClusterOptions.Section).ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ExpertClusterOptions>, ExpertClusterOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => ClusterRuntime.Prepare(
            provider.GetRequiredService<IOptions<ExpertClusterOptions>>().Value,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IExpertClusterClient, InProcessClient>();
        services.AddAkka(AkkaConfiguration.SystemName, (builder, provider) =>
        {
            // Checkpoints, ports and device first: a node that can not serve must not join.
            _ = provider.GetRequiredService<ClusterRuntime>();
            var settings = provider.GetRequiredService<IOptions<ExpertClusterOptions>>().Value;
            builder
                .AddHocon(AkkaConfiguration.Build(settings.Node, settings.Faults.Enabled), HoconAddMode.Prepend)
                .ConfigureLoggers(loggers =>
                {
                    loggers.ClearLoggers();
                    loggers.AddLoggerFactory(provider.GetRequiredService<ILoggerFactory>());
                    loggers.LogLevel = Akka.Event.LogLevel.WarningLevel;
                });
        });
        services.AddHostedService<ClusterNodeService>();

        // The host gives up on services that take longer to stop; leaving the cluster takes a few seconds more than moving the experts.
        services.AddOptions<HostOptions>().Configure<IOptions<ExpertClusterOptions>>((host, node) =>
        {
            if (host.ShutdownTimeout < node.Value.Node.DrainTimeout + LeaveTime)
            {
                host.ShutdownTimeout = node.Value.Node.DrainTimeout + LeaveTime;
            }
        });
        return services;
    }
}
