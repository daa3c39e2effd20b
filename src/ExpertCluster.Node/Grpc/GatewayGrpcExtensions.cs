using ExpertCluster.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace ExpertCluster.Node.Grpc;

/// <summary>Adds the gateway's gRPC endpoint to a host.</summary>
public static class GatewayGrpcExtensions
{
    private const long FrameHeaderBytes = 5;

    /// <summary>
    /// Registers what the endpoint needs. The host supplies the node's <see cref="IExpertClusterClient"/> and an
    /// <see cref="IGatewayDirectory"/>, and listens with HTTP/2.
    /// </summary>
    /// <param name="services">Where to register.</param>
    /// <param name="configure">Changes limits after configuration (<see cref="GatewayGrpcOptions.SectionName"/>) was read.</param>
    public static IServiceCollection AddExpertClusterGrpc(this IServiceCollection services, Action<GatewayGrpcOptions>? configure = null)
    {
        OptionsBuilder<GatewayGrpcOptions> options = services.AddOptions<GatewayGrpcOptions>()
            .BindConfiguration(GatewayGrpcOptions.SectionName)
            .ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GatewayGrpcOptions>, GatewayGrpcOptionsValidator>());
        services.TryAddSingleton<GatewayErrorInterceptor>();
        services.AddGrpc().AddServiceOptions<GatewayGrpcService>(service => service.Interceptors.Add<GatewayErrorInterceptor>());
        services.AddOptions<global::Grpc.AspNetCore.Server.GrpcServiceOptions<GatewayGrpcService>>()
            .Configure<IOptions<GatewayGrpcOptions>>((service, limits) =>
            {
                service.MaxReceiveMessageSize = limits.Value.MaxReceiveMessageBytes;
                service.MaxSendMessageSize = limits.Value.MaxSendMessageBytes;
            });
        return services;
    }

    /// <summary>Maps the endpoint.</summary>
    public static GrpcServiceEndpointConventionBuilder MapExpertClusterGrpc(this IEndpointRouteBuilder endpoints)
    {
        int limit = endpoints.ServiceProvider.GetRequiredService<IOptions<GatewayGrpcOptions>>().Value.MaxReceiveMessageBytes;
        return endpoints.MapGrpcService<GatewayGrpcService>().WithMetadata(new BodyLimit(limit + FrameHeaderBytes));
    }

    // The web server stops bodies over 30 MB on its own, below what gRPC is told to accept.
    private sealed record BodyLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}
