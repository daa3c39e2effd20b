namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>The linear assignment problem by shortest augmenting paths with potentials (Kuhn 1955, Munkres 1957; O(n³)).</summary>
internal static class Assignment
{
    /// <summary>What a pairing that is not allowed is worth.</summary>
    public const int Never = -1_000_000;

    /// <summary>The column of each row, such that the sum of worths is largest.</summary>
    /// <param name="worth">[n, n], row by row.</param>
    /// <param name="size">n.</param>
    public static int[] Best(int[] worth, int size)
    {
        var (rows, columns) = (new long[size + 1], new long[size + 1]);
        var rowOf = new int[size + 1];
        var before = new int[size + 1];
        for (var row = 1; row <= size; row++)
        {
            rowOf[0] = row;
            var column = 0;
            var (least, seen) = (new long[size + 1], new bool[size + 1]);
            Array.Fill(least, long.MaxValue);
            do
            {
                seen[column] = true;
                var (current, next, delta) = (rowOf[column], 0, long.MaxValue);
                for (var c = 1; c <= size; c++)
                {
                    if (seen[c])
                    {
                        continue;
                    }

                    var reduced = -(long)worth[((current - 1) * size) + c - 1] - rows[current] - columns[c];
                    if (reduced < least[c])
                    {
                        (least[c], before[c]) = (reduced, column);
                    }

                    if (least[c] < delta)
                    {
                        (delta, next) = (least[c], c);
                    }
                }

                for (var c = 0; c <= size; c++)
                {
                    if (seen[c])
                    {
                        rows[rowOf[c]] += delta;
                        columns[c] -= delta;
                    }
                    else
                    {
                        least[c] -= delta;
                    }
                }

                column = next;
            }
            while (rowOf[column] != 0);

            for (; column != 0; column = before[column])
            {
                rowOf[column] = rowOf[before[column]];
            }
        }

        var result = new int[size];
        for (var c = 1; c <= size; c++)
        {
            result[rowOf[c] - 1] = c - 1;
        }

        return result;
    }
}
