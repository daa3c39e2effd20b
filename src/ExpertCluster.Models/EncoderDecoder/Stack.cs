namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>An encoder or a decoder: its layers, the norm after them, and its bias of relative positions. Owns everything it is given.</summary>
/// <param name="layers">The layers.</param>
/// <param name="finalNorm">The norm after the last layer.</param>
/// <param name="bias">Bias of relative positions; null where positions are added to the embedding.</param>
internal sealed class Stack(StackLayer[] layers, Norm finalNorm, RelativeBias? bias) : IDisposable
{
    public IReadOnlyList<StackLayer> Layers => layers;

    public Norm FinalNorm => finalNorm;

    public RelativeBias? Bias => bias;

    public void Dispose()
    {
        foreach (StackLayer layer in layers)
        {
            layer.Dispose();
        }

        finalNorm.Dispose();
        bias?.Dispose();
    }
}
