using ExpertCluster.Client;
using ExpertCluster.Protocol.V1;
using Google.Protobuf;
using Wire = ExpertCluster.Protocol.V1;

namespace ExpertCluster.Node.Grpc;

/// <summary>Puts the SDK's records into messages.</summary>
internal static class ResponseWriter
{
    public static Model Model(ModelInfo model)
        => new()
        {
            Name = model.Name,
            Family = model.Family,
            Layers = model.Layers,
            ExpertsPerLayer = model.ExpertsPerLayer,
            ExpertsPerToken = model.ExpertsPerToken,
            HiddenSize = model.HiddenSize,
            VocabularySize = model.VocabularySize,
            MaxContext = model.MaxContext,
            ReadyExperts = model.ReadyExperts,
            EncoderDecoder = model.EncoderDecoder,
        };

    public static GetClusterReportResponse Report(ClusterReport report)
    {
        var message = new GetClusterReportResponse { Model = report.Model, Epoch = report.Epoch, Retries = report.Retries, Degraded = report.Degraded };
        foreach (NodeReport node in report.Nodes)
        {
            var item = new Wire.Node { Address = node.Address, Device = node.Device, Threads = node.Threads, Experts = node.Experts };
            item.Roles.AddRange(node.Roles);
            if (node.GatewayEndpoint is not null)
            {
                item.GatewayEndpoint = node.GatewayEndpoint;
            }

            message.Nodes.Add(item);
        }

        message.Replicas.AddRange(report.Replicas.Select(
            r => new Replica { Layer = r.Layer, Expert = r.Expert, Number = r.Number, Node = r.Node, State = r.State }));
        if (report.Balancer is { } b)
        {
            message.Balancer = new Balancer
            {
                Node = b.Node,
                State = b.State,
                Detail = b.Detail,
                Moves = b.Moves,
                BytesMoved = b.BytesMoved,
                Plans = b.Plans,
                RolledBack = b.RolledBack,
            };
        }

        foreach (IReadOnlyList<long> layer in report.TokensRouted)
        {
            var item = new LayerLoad();
            item.Tokens.AddRange(layer);
            message.TokensRouted.Add(item);
        }

        return message;
    }

    /// <exception cref="InvalidRequestException">The matrix does not fit into a message.</exception>
    public static Matrix Matrix(FloatMatrix matrix, int maxMessageBytes)
    {
        // Room for the fields around the values.
        const int Overhead = 64;
        long bytes = (long)matrix.Values.Length * sizeof(float);
        if (bytes + Overhead > maxMessageBytes)
        {
            throw new InvalidRequestException(
                $"The answer is a matrix of [{matrix.Rows}, {matrix.Columns}], {bytes} bytes; the gateway sends at most {maxMessageBytes}. "
                + $"Send fewer rows or tokens, or raise {GatewayGrpcOptions.SectionName}:{nameof(GatewayGrpcOptions.MaxSendMessageBytes)} on it.");
        }

        return new Matrix
        {
            Rows = matrix.Rows,
            Columns = matrix.Columns,
            Values = UnsafeByteOperations.UnsafeWrap(matrix.ToLittleEndian()),
        };
    }

    public static Wire.LayerTiming Timing(Client.LayerTiming timing)
        => new()
        {
            GateUs = (long)timing.Gate.TotalMicroseconds,
            RouterUs = (long)timing.Router.TotalMicroseconds,
            WireUs = (long)timing.Wire.TotalMicroseconds,
            QueueUs = (long)timing.Queue.TotalMicroseconds,
            ComputeUs = (long)timing.Compute.TotalMicroseconds,
            CombineUs = (long)timing.Combine.TotalMicroseconds,
            LongestComputeUs = (long)timing.LongestCompute.TotalMicroseconds,
        };

    public static GenerateResponse Token(GeneratedToken token)
        => new()
        {
            Index = token.Index,
            Id = token.Id,
            Text = token.Text,
            FinishReason = token.FinishReason switch
            {
                null => Wire.FinishReason.Unspecified,
                Client.FinishReason.Length => Wire.FinishReason.Length,
                _ => Wire.FinishReason.Stop,
            },
            PromptTokens = token.PromptTokens,
            Degraded = token.IsDegraded,
        };
}
