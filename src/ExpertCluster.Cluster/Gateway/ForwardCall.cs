using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>A forward pass.</summary>
internal sealed class ForwardCall(ForwardRequest request, DateTimeOffset deadline, int vocabulary)
    : GatewayCall(request.Id, request.Client, request.Source ?? [], request.Tokens, deadline)
{
    private readonly float[] _logits = new float[checked(request.Tokens.Count * vocabulary)];
    private int _filled;

    public TaskCompletionSource<float[]> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override int LongestLength => Tokens.Count;

    public override StepCapture? Capture => request.Capture;

    public override int MaxPiece => request.TokenByToken ? 1 : int.MaxValue;

    public override LogitsWanted Wanted(int piece) => LogitsWanted.All;

    public override void OnLogits(float[] logits, int vocabulary)
    {
        logits.CopyTo(_logits.AsSpan(_filled));
        _filled += logits.Length;
        if (Fed == Tokens.Count)
        {
            IsOver = true;
            Completion.TrySetResult(_logits);
        }
    }

    public override void Fail(Exception error)
    {
        IsOver = true;
        Completion.TrySetException(error);
    }
}
