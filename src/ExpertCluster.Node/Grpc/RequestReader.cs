using System.Globalization;
using System.Runtime.InteropServices;
using ExpertCluster.Client;
using ExpertCluster.Protocol.V1;
using Google.Protobuf.Collections;
using Wire = ExpertCluster.Protocol.V1;

namespace ExpertCluster.Node.Grpc;

/// <summary>
/// Reads requests off the wire. Each method throws <see cref="InvalidRequestException"/> naming the field, its value and the range.
/// </summary>
internal static class RequestReader
{
    public const int MaxNameLength = 256;
    public const int MaxLabelLength = 128;
    public const int MaxStops = 16;
    public const double MaxTemperature = 100;
    private static readonly TimeSpan MaxDeadline = TimeSpan.FromHours(24);

    /// <summary>Deadline, client and request id; a new id where the caller gave none.</summary>
    public static RequestOptions Options(CallInfo? call)
    {
        if (call is null)
        {
            return new RequestOptions { RequestId = NewRequestId() };
        }

        if (call.HasDeadlineMs && (call.DeadlineMs < 1 || call.DeadlineMs > MaxDeadline.TotalMilliseconds))
        {
            throw Invalid("call.deadline_ms", call.DeadlineMs, $"between 1 and {MaxDeadline.TotalMilliseconds}");
        }

        RequirePrintable("call.request_id", call.RequestId);
        RequirePrintable("call.client", call.Client);
        return new RequestOptions
        {
            Deadline = call.HasDeadlineMs ? TimeSpan.FromMilliseconds(call.DeadlineMs) : null,
            RequestId = call.RequestId.Length > 0 ? call.RequestId : NewRequestId(),
            Client = call.Client,
        };
    }

    public static string Model(string model)
        => model.Length is > 0 and <= MaxNameLength
            ? model
            : throw new InvalidRequestException($"model has {model.Length} characters; it must name a model, in 1 to {MaxNameLength}.");

    public static int[] Tokens(string field, RepeatedField<int> tokens)
    {
        if (tokens.Count == 0)
        {
            throw new InvalidRequestException($"{field} is empty; at least one token id is needed.");
        }

        return TokensOrNone(field, tokens);
    }

    public static int[] TokensOrNone(string field, RepeatedField<int> tokens)
    {
        int[] ids = [.. tokens];
        int bad = Array.FindIndex(ids, id => id < 0);
        return bad < 0 ? ids : throw Invalid($"{field}[{bad}]", ids[bad], "a token id, 0 or more");
    }

    public static int Layer(int layer) => layer >= 0 ? layer : throw Invalid("layer", layer, "0 or more");

    /// <summary>Rows and columns at least 1, as many bytes as they need, every value finite.</summary>
    public static FloatMatrix Matrix(string field, Matrix? matrix)
    {
        if (matrix is null)
        {
            throw new InvalidRequestException($"{field} is missing; a float32 matrix is needed.");
        }

        if (matrix.Rows < 1)
        {
            throw Invalid($"{field}.rows", matrix.Rows, "1 or more");
        }

        if (matrix.Columns < 1)
        {
            throw Invalid($"{field}.columns", matrix.Columns, "1 or more");
        }

        long needed = (long)matrix.Rows * matrix.Columns * sizeof(float);
        if (matrix.Values.Length != needed)
        {
            throw new InvalidRequestException(
                $"{field}.values has {matrix.Values.Length} bytes; [{matrix.Rows}, {matrix.Columns}] float32 needs {needed}.");
        }

        var result = FloatMatrix.FromLittleEndian(matrix.Rows, matrix.Columns, matrix.Values.Span);
        int bad = IndexOfNonFinite(result.Values.Span);
        return bad < 0
            ? result
            : throw new InvalidRequestException(string.Create(
                CultureInfo.InvariantCulture,
                $"{field}[{bad / matrix.Columns}, {bad % matrix.Columns}] is {result.Values.Span[bad]}; every value must be finite."));
    }

    public static Client.GenerateRequest Generate(Wire.GenerateRequest request, RequestOptions options)
    {
        if (request.HasPrompt == request.PromptTokens.Count > 0)
        {
            throw new InvalidRequestException(
                $"prompt and prompt_tokens are {(request.HasPrompt ? "both" : "neither")} given; exactly one is needed, not empty.");
        }

        if (request is { HasPrompt: true, Prompt.Length: 0 })
        {
            throw new InvalidRequestException("prompt is empty; at least one character is needed.");
        }

        var defaults = new Client.GenerateRequest { Model = Model(request.Model) };
        int maxTokens = request.HasMaxTokens ? request.MaxTokens : defaults.MaxTokens;
        double topP = request.HasTopP ? request.TopP : defaults.TopP;
        if (maxTokens < 1)
        {
            throw Invalid("max_tokens", maxTokens, "1 or more");
        }

        // Written so that NaN is refused as well.
        if (!(request.Temperature is >= 0 and <= MaxTemperature))
        {
            throw Invalid("temperature", request.Temperature, $"between 0 and {MaxTemperature}");
        }

        if (request.TopK < 0)
        {
            throw Invalid("top_k", request.TopK, "0 (all) or more");
        }

        if (!(topP is > 0 and <= 1))
        {
            throw Invalid("top_p", topP, "above 0 and at most 1");
        }

        if (request.Stop.Count > MaxStops)
        {
            throw Invalid("number of stop texts", request.Stop.Count, $"at most {MaxStops}");
        }

        if (request.Stop.Contains(""))
        {
            throw new InvalidRequestException($"stop[{request.Stop.IndexOf("")}] is empty; a stop text needs at least one character.");
        }

        if (request.Resume.Count > maxTokens)
        {
            throw Invalid("number of resume tokens", request.Resume.Count, $"at most max_tokens = {maxTokens}");
        }

        return defaults with
        {
            Prompt = request.HasPrompt ? request.Prompt : null,
            PromptTokens = request.HasPrompt ? null : TokensOrNone("prompt_tokens", request.PromptTokens),
            MaxTokens = maxTokens,
            Temperature = request.Temperature,
            TopK = request.TopK,
            TopP = topP,
            Seed = request.HasSeed ? request.Seed : null,
            Stop = [.. request.Stop],
            Resume = TokensOrNone("resume", request.Resume),
            Options = options,
        };
    }

    // Infinities and NaN are the values whose exponent bits are all set.
    private static int IndexOfNonFinite(ReadOnlySpan<float> values)
    {
        const int Exponent = 0x7F800000;
        ReadOnlySpan<int> bits = MemoryMarshal.Cast<float, int>(values);
        for (int i = 0; i < bits.Length; i++)
        {
            if ((bits[i] & Exponent) == Exponent)
            {
                return i;
            }
        }

        return -1;
    }

    // It ends up in logs, where a line break could forge an entry.
    private static void RequirePrintable(string field, string value)
    {
        if (value.Length > MaxLabelLength || value.AsSpan().IndexOfAnyExceptInRange(' ', '~') >= 0)
        {
            throw new InvalidRequestException(
                $"{field} has {value.Length} characters; it must be at most {MaxLabelLength} printable ASCII characters.");
        }
    }

    private static string NewRequestId() => Guid.NewGuid().ToString("N");

    private static InvalidRequestException Invalid(string field, object value, string range)
        => new(string.Create(CultureInfo.InvariantCulture, $"{field} is {value}; it must be {range}."));
}
