namespace ExpertCluster.Models.Inspection;

/// <summary>Positions of tokens, sorted by a label each has.</summary>
internal sealed class Grouping
{
    private readonly int[] _positions;
    private readonly int[] _starts;

    private Grouping(int[] positions, int[] starts)
    {
        _positions = positions;
        _starts = starts;
    }

    /// <summary>Number of labels.</summary>
    public int Count => _starts.Length - 1;

    /// <summary>Number of positions.</summary>
    public int Positions => _positions.Length;

    /// <summary>Positions with a label, in the order given.</summary>
    public ReadOnlySpan<int> this[int label] => _positions.AsSpan(_starts[label].._starts[label + 1]);

    /// <summary>Groups positions 0 to T-1.</summary>
    /// <param name="labels">Label of each position, [T].</param>
    /// <param name="count">Number of labels.</param>
    public static Grouping Of(ReadOnlySpan<int> labels, int count)
    {
        var positions = new int[labels.Length];
        for (int i = 0; i < positions.Length; i++)
        {
            positions[i] = i;
        }

        return Of(positions, labels, count);
    }

    /// <summary>Groups some positions.</summary>
    /// <param name="some">The positions.</param>
    /// <param name="labels">Label of every position, [T].</param>
    /// <param name="count">Number of labels.</param>
    public static Grouping Of(ReadOnlySpan<int> some, ReadOnlySpan<int> labels, int count)
    {
        var starts = new int[count + 1];
        foreach (int position in some)
        {
            starts[labels[position] + 1]++;
        }

        for (int i = 0; i < count; i++)
        {
            starts[i + 1] += starts[i];
        }

        int[] next = starts[..count];
        var sorted = new int[some.Length];
        foreach (int position in some)
        {
            sorted[next[labels[position]]++] = position;
        }

        return new Grouping(sorted, starts);
    }
}
