using ExpertCluster.Client;
using ExpertCluster.Protocol.V1;
using Grpc.Core;
using Microsoft.Extensions.Options;
using LayerTiming = ExpertCluster.Client.LayerTiming;
using Wire = ExpertCluster.Protocol.V1;

namespace ExpertCluster.Node.Grpc;

/// <summary>
/// Puts a gateway on the wire: reads and checks each request, asks the node's own <see cref="IExpertClusterClient"/>, and writes its answer.
/// A client that hangs up cancels the call. Errors go through <see cref="GatewayErrorInterceptor"/>.
/// </summary>
internal sealed class GatewayGrpcService(IExpertClusterClient gateway, IGatewayDirectory directory, IOptions<GatewayGrpcOptions> options)
    : ExpertClusterGateway.ExpertClusterGatewayBase
{
    public override Task<GetGatewaysResponse> GetGateways(GetGatewaysRequest request, ServerCallContext context)
    {
        var response = new GetGatewaysResponse();
        response.Endpoints.AddRange(directory.Endpoints);
        return Task.FromResult(response);
    }

    public override async Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context)
    {
        ReadOptions(request.Call, context);
        var response = new ListModelsResponse();
        IReadOnlyList<ModelInfo> models = await gateway.ListModelsAsync(context.CancellationToken).ConfigureAwait(false);
        response.Models.AddRange(models.Select(ResponseWriter.Model));
        return response;
    }

    public override async Task<GetClusterReportResponse> GetClusterReport(GetClusterReportRequest request, ServerCallContext context)
    {
        ReadOptions(request.Call, context);
        return ResponseWriter.Report(
            await gateway.GetClusterReportAsync(RequestReader.Model(request.Model), context.CancellationToken).ConfigureAwait(false));
    }

    public override async Task<OperateResponse> Operate(OperateRequest request, ServerCallContext context)
    {
        ReadOptions(request.Call, context);
        return new OperateResponse
        {
            Result = await gateway.OperateAsync(request.Verb, request.Arguments, context.CancellationToken).ConfigureAwait(false),
        };
    }

    public override async Task<ForwardResponse> Forward(ForwardRequest request, ServerCallContext context)
    {
        bool degraded = false;
        RequestOptions call = ReadOptions(request.Call, context) with
        {
            Source = RequestReader.TokensOrNone("source", request.Source),
            Degraded = () => degraded = true,
        };
        FloatMatrix logits = await gateway.ForwardAsync(
            RequestReader.Model(request.Model), RequestReader.Tokens("tokens", request.Tokens), call, context.CancellationToken)
            .ConfigureAwait(false);
        return new ForwardResponse { Logits = ResponseWriter.Matrix(logits, options.Value.MaxSendMessageBytes), Degraded = degraded };
    }

    public override async Task<ForwardLayerResponse> ForwardLayer(ForwardLayerRequest request, ServerCallContext context)
    {
        LayerTiming? timing = null;
        bool degraded = false;
        RequestOptions call = ReadOptions(request.Call, context) with { Timed = measured => timing = measured, Degraded = () => degraded = true };
        FloatMatrix hidden = await gateway.ForwardLayerAsync(
            RequestReader.Model(request.Model),
            RequestReader.Layer(request.Layer),
            RequestReader.Matrix("hidden", request.Hidden),
            call,
            context.CancellationToken).ConfigureAwait(false);
        return new ForwardLayerResponse
        {
            Hidden = ResponseWriter.Matrix(hidden, options.Value.MaxSendMessageBytes),
            Timing = timing is null ? null : ResponseWriter.Timing(timing),
            Degraded = degraded,
        };
    }

    public override async Task Generate(
        Wire.GenerateRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        Client.GenerateRequest call = RequestReader.Generate(request, ReadOptions(request.Call, context));
        await foreach (GeneratedToken token in gateway.GenerateAsync(call, context.CancellationToken).ConfigureAwait(false))
        {
            await responseStream.WriteAsync(ResponseWriter.Token(token), context.CancellationToken).ConfigureAwait(false);
        }
    }

    private static RequestOptions ReadOptions(CallInfo? info, ServerCallContext context)
    {
        RequestOptions call = RequestReader.Options(info);
        context.UserState[GatewayErrorInterceptor.RequestIdKey] = call.RequestId!;
        return call;
    }
}
