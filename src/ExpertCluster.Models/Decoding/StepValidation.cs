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
