using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Models;

namespace ExpertCluster.Tests.Gateway;

/// <summary>A request without a model: a prompt of some length, then some tokens, all of them 0.</summary>
internal sealed class ScriptedCall(string client, int prompt, int answers, int source = 0, StepCapture? capture = null, int maxPiece = int.MaxValue)
    : GatewayCall($"{client}-{prompt}+{answers}", client, new int[source], new int[prompt], DateTimeOffset.MaxValue)
{
    private int _answered;

    public override int LongestLength => prompt + answers;

    public override StepCapture? Capture => capture;

    public override int MaxPiece => maxPiece;

    /// <summary>Tokens of the prompt fed in each step.</summary>
    public List<int> Pieces { get; } = [];

    public int Answered => _answered;

    public bool Prefilled => Fed >= prompt;

    public override LogitsWanted Wanted(int piece) => LogitsWanted.Last;

    /// <summary>What a step does with a piece.</summary>
    public void Compute(StepPiece piece)
    {
        if (piece.Encode)
        {
            SourceRead = true;
            return;
        }

        Pieces.Add(piece.Count);
        Fed += piece.Count;
        if (Left == 0)
        {
            OnLogits([], 0);
        }
    }

    public override void OnLogits(float[] logits, int vocabulary)
    {
        Tokens.Add(0);
        IsOver = ++_answered == answers;
    }

    public override void Fail(Exception error) => IsOver = true;
}
