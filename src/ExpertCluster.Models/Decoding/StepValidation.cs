namespace ExpertCluster.Models.Decoding;

/// <summary>Checks a step's input before anything starts.</summary>
internal static class StepValidation
{
    public static void Check(IReadOnlyList<StepSlice> slices, ModelShape shape)
    {
        if (slices.Count == 0)
        {
            throw new ArgumentException("A step needs at least one slice.", nameof(slices));
        }

        var seen = new HashSet<DecoderSequence>(ReferenceEqualityComparer.Instance);
        foreach (StepSlice slice in slices)
        {
            if (slice.Tokens.IsEmpty)
            {
                throw new ArgumentException("A slice has no tokens.", nameof(slices));
            }

            if (!seen.Add(slice.Sequence))
            {
                throw new ArgumentException("A sequence occurs twice in one step.", nameof(slices));
            }

            if ((long)slice.Sequence.Length + slice.Tokens.Length > shape.MaxContext)
            {
                throw new ArgumentException(
                    $"{slice.Sequence.Length} positions and {slice.Tokens.Length} more exceed the model's context of {shape.MaxContext}.",
                    nameof(slices));
            }

            CheckTokens(slice.Tokens.Span, shape.VocabularySize);
            CheckSource(slice, slices[0].Encode, shape);
        }
    }

    private static void CheckSource(StepSlice slice, bool encode, ModelShape shape)
    {
        if (slice.Encode != encode)
        {
            throw new ArgumentException("A step goes through the encoder or through the decoder, not through both.", nameof(slice));
        }

        if (slice.Encode && !shape.IsEncoderDecoder)
        {
            throw new ArgumentException("The model has no encoder.", nameof(slice));
        }

        if (slice.Encode && slice.Sequence.SourceLength > 0)
        {
            throw new ArgumentException("The sequence has its source already.", nameof(slice));
        }

        if (!slice.Encode && shape.IsEncoderDecoder && slice.Sequence.SourceLength == 0)
        {
            throw new ArgumentException("The encoder must read the source before the decoder starts.", nameof(slice));
        }
    }

    /// <summary>Checks token ids against a vocabulary.</summary>
    public static void CheckTokens(ReadOnlySpan<int> tokens, int vocabulary)
    {
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)vocabulary)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(tokens), token, $"Token id {token} is not in the vocabulary of {vocabulary} (0 to {vocabulary - 1}).");
            }
        }
    }
}
