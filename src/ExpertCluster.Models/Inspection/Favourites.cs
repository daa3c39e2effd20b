namespace ExpertCluster.Models.Inspection;

/// <summary>
/// Finds each expert's favourite tokens: those with the largest <c>n · log₂(n·N / (a·b))</c>, their summands in the divergence of the
/// expert's tokens from the text's. A plain ratio would list what occurs once; this weighs it by how often it happened.
/// </summary>
internal static class Favourites
{
    /// <summary>Once may be anything.</summary>
    private const int FewestOccurrences = 2;

    /// <param name="tokens">Positions by token.</param>
    /// <param name="ids">Token id of each label.</param>
    /// <param name="choices">Experts of every position, [T,k].</param>
    /// <param name="topK">k.</param>
    /// <param name="chosen">How often each expert was chosen, [E].</param>
    /// <param name="most">Favourites to keep for each expert.</param>
    public static FavouriteToken[][] Find(
        Grouping tokens, int[] ids, ReadOnlySpan<ushort> choices, int topK, ReadOnlySpan<int> chosen, int most)
    {
        var best = new List<(double Score, FavouriteToken Token)>[chosen.Length];
        var row = new int[chosen.Length];
        for (int label = 0; label < tokens.Count && most > 0; label++)
        {
            ReadOnlySpan<int> positions = tokens[label];
            Association.Count(positions, choices, topK, row);
            for (int expert = 0; expert < row.Length; expert++)
            {
                double lift = row[expert] < FewestOccurrences ? 0 : (double)row[expert] * tokens.Positions / ((double)positions.Length * chosen[expert]);
                if (lift > 1)
                {
                    Keep(best[expert] ??= [], most, row[expert] * Math.Log2(lift), new FavouriteToken(ids[label], row[expert], positions.Length, lift));
                }
            }
        }

        return [.. best.Select(list => list is null ? [] : list.Select(entry => entry.Token).ToArray())];
    }

    /// <summary>Keeps the list sorted, best first; of equals the one that came first.</summary>
    private static void Keep(List<(double Score, FavouriteToken Token)> best, int most, double score, FavouriteToken token)
    {
        if (best.Count == most && best[^1].Score >= score)
        {
            return;
        }

        int at = best.Count;
        while (at > 0 && best[at - 1].Score < score)
        {
            at--;
        }

        best.Insert(at, (score, token));
        if (best.Count > most)
        {
            best.RemoveAt(most);
        }
    }
}
