using Microsoft.Extensions.Options;

namespace ExpertCluster.Node.Grpc;

/// <summary>Checks <see cref="GatewayGrpcOptions"/> when the host starts.</summary>
internal sealed class GatewayGrpcOptionsValidator : IValidateOptions<GatewayGrpcOptions>
{
    public ValidateOptionsResult Validate(string? name, GatewayGrpcOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        Check(nameof(options.MaxReceiveMessageBytes), options.MaxReceiveMessageBytes);
        Check(nameof(options.MaxSendMessageBytes), options.MaxSendMessageBytes);
        return result.Build();

        void Check(string key, int value)
        {
            if (value is < GatewayGrpcOptions.LeastMessageBytes or > GatewayGrpcOptions.MostMessageBytes)
            {
                result.AddError(
                    $"{GatewayGrpcOptions.SectionName}:{key} is {value}; it must be between {GatewayGrpcOptions.LeastMessageBytes} and "
                    + $"{GatewayGrpcOptions.MostMessageBytes} bytes.");
            }
        }
    }
}
