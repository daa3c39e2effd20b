using System.Threading.Channels;
using ExpertCluster.Models;
using ExpertCluster.Models.Generation;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>A generation.</summary>
internal sealed class GenerateCall : GatewayCall
{
    private readonly GenerationRequest _request;
    private readonly IReadOnlyList<int> _endTokens;
    private readonly int? _forced;
    private readonly TextStream _text;
    private readonly int _maxTokens;
    private readonly Channel<GatewayToken> _channel =
        Channel.CreateUnbounded<GatewayToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly int _given;
    private int _generated;

    public GenerateCall(GenerationRequest request, DateTimeOffset deadline, ModelShape shape, TextStream text)
        : base(
            request.Id, request.Client, shape.IsEncoderDecoder ? request.Prompt : [],
            (shape.IsEncoderDecoder ? [shape.DecoderStartToken!.Value] : request.Prompt).Concat(request.Resume), deadline)
    {
        _request = request;
        _endTokens = shape.EndTokens;
        _forced = shape.ForcedFirstToken;
        _text = text;
        _given = Tokens.Count;
        var given = Tokens.Count - request.Resume.Count;
        _maxTokens = Math.Min(request.MaxTokens, shape.MaxContext - given);
        LongestLength = given + _maxTokens;

        // What another gateway emitted already is played through once more, silently: text held back then is held back now.
        foreach (var token in request.Resume)
        {
            _generated++;
            if (Emit(token, silent: true))
            {
                return;
            }
        }
    }

    public ChannelReader<GatewayToken> Output => _channel.Reader;

    public override int LongestLength { get; }

    public override bool IsGenerating => !AwaitsEncoder && Fed >= _given;

    public override LogitsWanted Wanted(int piece) => Fed + piece == Tokens.Count ? LogitsWanted.Last : LogitsWanted.None;

    public override void OnLogits(float[] logits, int vocabulary)
    {
        if (Fed < Tokens.Count)
        {
            return;
        }

        var token = _generated == 0 && _forced is { } forced
            ? forced
            : TokenSampler.Sample(logits.AsSpan(0, vocabulary), _request.Sampling, _generated);
        Tokens.Add(token);
        _generated++;
        Emit(token, silent: false);
    }

    public override void Fail(Exception error)
    {
        IsOver = true;
        _channel.Writer.TryComplete(error);
    }

    /// <summary>Emits a token; true when it was the last one.</summary>
    private bool Emit(int token, bool silent)
    {
        EndReason? end = null;
        string text;
        if (_endTokens.Contains(token))
        {
            end = EndReason.Stop;
            text = _text.Flush();
        }
        else
        {
            var delta = _text.Push(token);
            text = delta.Text;
            if (delta.Stopped)
            {
                end = EndReason.Stop;
            }
            else if (_generated >= _maxTokens)
            {
                end = EndReason.Length;
                text += _text.Flush();
            }
        }

        if (silent && end is null)
        {
            return false;
        }

        _channel.Writer.TryWrite(silent
            ? new GatewayToken(_generated, -1, "", end)
            : new GatewayToken(_generated - 1, token, text, end) { IsDegraded = IsDegraded });
        if (end is not null)
        {
            IsOver = true;
            _channel.Writer.TryComplete();
        }

        return end is not null;
    }
}
