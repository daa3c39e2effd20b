namespace ExpertCluster.Models.Inspection;

/// <summary>Routes texts through a decoder and writes down which experts took each token. One window at a time.</summary>
public sealed class RoutingRecorder
{
    private readonly SequenceModel _model;
    private readonly RecordingExperts _experts;

    /// <summary>Creates a recorder.</summary>
    /// <param name="model">The dense part.</param>
    /// <param name="experts">Who computes the experts; those of the last layer are never asked.</param>
    /// <param name="files">Number of texts, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The model has no layer with experts, or there is no text.</exception>
    public RoutingRecorder(SequenceModel model, IExpertBackend experts, int files)
    {
        _model = model;
        _experts = new RecordingExperts(experts, model.Shape.MoeLayers);
        Trace = new RoutingTrace(model.Shape.MoeLayers, model.Shape.ExpertsPerLayer, model.Shape.ExpertsPerToken, files);
    }

    /// <summary>What was recorded.</summary>
    public RoutingTrace Trace { get; }

    /// <summary>Routes one window on an empty cache and records it.</summary>
    /// <param name="file">Index of its text.</param>
    /// <param name="before">Tokens a prompt begins with (usually one, or none): they are seen but not recorded.</param>
    /// <param name="tokens">Tokens of the text, at least one.</param>
    /// <param name="ct">Cancels between layers.</param>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or there are more than the context holds.</exception>
    public async Task RecordAsync(int file, ReadOnlyMemory<int> before, ReadOnlyMemory<int> tokens, CancellationToken ct)
    {
        using DecoderSequence sequence = _model.NewSequence();
        int[] all = [.. before.Span, .. tokens.Span];
        await _model.StepAsync([new StepSlice(sequence, all, LogitsWanted.None)], _experts, ct).ConfigureAwait(false);
        int skipped = before.Length * Trace.TopK;
        Trace.Append(file, tokens.Span, skipped == 0 ? _experts.Chosen : [.. _experts.Chosen.Select(layer => layer[skipped..])]);
    }
}
