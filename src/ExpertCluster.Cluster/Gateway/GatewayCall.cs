using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>A request in a gateway's hands: tokens to feed, and where answers go. Touched by the gateway's actor alone.</summary>
internal abstract class GatewayCall(string id, string client, IReadOnlyList<int> source, IEnumerable<int> tokens, DateTimeOffset deadline)
{
    public string Id { get; } = id;

    /// <summary>Whose it is; clients share the gateway evenly.</summary>
    public string Client { get; } = client;

    public DateTimeOffset Deadline { get; } = deadline;

    /// <summary>What the encoder reads; empty for a model without one.</summary>
    public IReadOnlyList<int> Source { get; } = source;

    /// <summary>Whether the encoder has still to read the source.</summary>
    public bool AwaitsEncoder => Source.Count > 0 && !SourceRead;

    /// <summary>The encoder has read the source.</summary>
    public bool SourceRead { get; set; }

    /// <summary>All tokens known so far; those from <see cref="Fed"/> on are still to be fed.</summary>
    public List<int> Tokens { get; } = [.. tokens];

    public int Fed { get; set; }

    /// <summary>Tokens still to be fed.</summary>
    public int Left => Tokens.Count - Fed;

    /// <summary>Whether the tokens still to be fed are its own, and not of a prompt or of an answer that another gateway began.</summary>
    public virtual bool IsGenerating => false;

    /// <summary>When its prompt was last served; see <see cref="PrefillTurns"/>.</summary>
    public long Turn { get; set; }

    /// <summary>The most tokens it can come to; its KV cache is never larger than that takes.</summary>
    public abstract int LongestLength { get; }

    public DecoderSequence? Sequence { get; set; }

    /// <summary>A step computes with it.</summary>
    public bool InStep { get; set; }

    /// <summary>Some of its tokens were computed without some of their experts. All later ones are too: attention reads what those left behind.</summary>
    public bool IsDegraded { get; set; }

    /// <summary>Number of the last step it took part in.</summary>
    public long LastStep { get; set; }

    public bool IsOver { get; protected set; }

    public virtual StepCapture? Capture => null;

    /// <summary>Most tokens of it in one step.</summary>
    public virtual int MaxPiece => int.MaxValue;

    public abstract LogitsWanted Wanted(int piece);

    /// <summary>Takes the logits of a step, float32 [rows, V]; over when nothing more is to be fed.</summary>
    public abstract void OnLogits(float[] logits, int vocabulary);

    public abstract void Fail(Exception error);
}
