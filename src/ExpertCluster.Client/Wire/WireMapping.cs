using ExpertCluster.Protocol.V1;
using Google.Protobuf;

namespace ExpertCluster.Client.Wire;

/// <summary>Between the SDK's records and the messages on the wire.</summary>
internal static class WireMapping
{
    public static ModelInfo ToModelInfo(Model model)
        => new(
            model.Name, model.Family, model.Layers, model.ExpertsPerLayer, model.ExpertsPerToken, model.HiddenSize, model.VocabularySize,
            model.MaxContext, model.ReadyExperts, model.EncoderDecoder);

    public static ClusterReport ToReport(GetClusterReportResponse report)
        => new(
            report.Model,
            report.Epoch,
            [.. report.Nodes.Select(node => new NodeReport(
                node.Address, [.. node.Roles], node.Device, node.Threads, node.Experts, node.HasGatewayEndpoint ? node.GatewayEndpoint : null))],
            [.. report.TokensRouted.Select(IReadOnlyList<long> (layer) => [.. layer.Tokens])],
            report.Retries)
        {
            Degraded = report.Degraded,
            Replicas = [.. report.Replicas.Select(r => new ReplicaReport(r.Layer, r.Expert, r.Number, r.Node, r.State))],
            Balancer = report.Balancer is { } b
                ? new BalancerReport(b.Node, b.State, b.Detail, b.Moves, b.BytesMoved, b.Plans, b.RolledBack) : null,
        };

    public static Matrix ToWire(FloatMatrix matrix)
        => new()
        {
            Rows = matrix.Rows,
            Columns = matrix.Columns,
            Values = UnsafeByteOperations.UnsafeWrap(matrix.ToLittleEndian()),
        };

    /// <exception cref="InternalClusterException">The gateway sent no matrix, or one whose size is not that of its values.</exception>
    public static FloatMatrix ToMatrix(Matrix? matrix, string operation)
    {
        if (matrix is null || matrix.Rows < 0 || matrix.Columns < 0
            || matrix.Values.Length != (long)matrix.Rows * matrix.Columns * sizeof(float))
        {
            throw new InternalClusterException(
                $"{operation}: the gateway answered a matrix of [{matrix?.Rows}, {matrix?.Columns}] with {matrix?.Values.Length ?? 0} bytes.");
        }

        return FloatMatrix.FromLittleEndian(matrix.Rows, matrix.Columns, matrix.Values.Span);
    }

    public static LayerTiming ToTiming(Protocol.V1.LayerTiming timing)
        => new(
            Microseconds(timing.GateUs), Microseconds(timing.RouterUs), Microseconds(timing.WireUs), Microseconds(timing.QueueUs),
            Microseconds(timing.ComputeUs), Microseconds(timing.CombineUs), Microseconds(timing.LongestComputeUs));

    private static TimeSpan Microseconds(long value) => TimeSpan.FromMicroseconds(Math.Clamp(value, 0, int.MaxValue));

    /// <exception cref="InvalidRequestException">A member that must be there is null.</exception>
    public static Protocol.V1.GenerateRequest ToWire(GenerateRequest request, long? seed)
    {
        if (request.Model is null || request.Stop is null || request.Resume is null || request.Options is null)
        {
            throw new InvalidRequestException("model, stop, resume and options must not be null; leave out all but the model for none");
        }

        var message = new Protocol.V1.GenerateRequest
        {
            Model = request.Model,
            MaxTokens = request.MaxTokens,
            Temperature = request.Temperature,
            TopK = request.TopK,
            TopP = request.TopP,
        };
        if (request.Prompt is not null)
        {
            message.Prompt = request.Prompt;
        }

        if (seed is not null)
        {
            message.Seed = seed.Value;
        }

        message.PromptTokens.AddRange(request.PromptTokens ?? []);
        message.Stop.AddRange(request.Stop);
        message.Resume.AddRange(request.Resume);
        return message;
    }

    public static GeneratedToken ToToken(GenerateResponse message, string heldBack)
        => new()
        {
            Index = message.Index,
            Id = message.Id,
            Text = heldBack + message.Text,
            FinishReason = message.FinishReason switch
            {
                Protocol.V1.FinishReason.Unspecified => null,
                Protocol.V1.FinishReason.Length => FinishReason.Length,
                // A reason this version does not know still ends the text.
                _ => FinishReason.Stop,
            },
            PromptTokens = message.PromptTokens,
            IsDegraded = message.Degraded,
        };
}
