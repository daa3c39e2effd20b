namespace ExpertCluster.Transport;

/// <summary>
/// Rows of one layer for the experts of one node. Several requests may share a frame; each expert's rows lie together.
/// </summary>
public sealed class DispatchFrame : IDisposable
{
    /// <summary>Makes a frame that owns its buffer.</summary>
    public DispatchFrame(
        string model, int layer, long epoch, TimeSpan remaining, int hiddenSize, IReadOnlyList<DispatchSegment> segments, RowBuffer rows)
    {
        Model = model;
        Layer = layer;
        Epoch = epoch;
        Remaining = remaining;
        HiddenSize = hiddenSize;
        Segments = segments;
        Rows = rows;
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>Zero-based model layer.</summary>
    public int Layer { get; }

    /// <summary>Epoch of the placement the sender read.</summary>
    public long Epoch { get; }

    /// <summary>Time until the latest deadline among the rows, at the moment of sending: a duration, since clocks of nodes differ.</summary>
    public TimeSpan Remaining { get; }

    /// <summary>H.</summary>
    public int HiddenSize { get; }

    /// <summary>What the rows are for, in their order.</summary>
    public IReadOnlyList<DispatchSegment> Segments { get; }

    /// <summary>Inputs of the experts, float32 or bfloat16 <c>[ΣRows, H]</c>; the answer comes in the same type.</summary>
    public RowBuffer Rows { get; }

    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();
}
