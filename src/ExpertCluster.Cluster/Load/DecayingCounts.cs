namespace ExpertCluster.Cluster.Load;

/// <summary>Counts of which half is forgotten in every half-life, whenever and however often one looks.</summary>
/// <param name="length">How many.</param>
/// <param name="halfLife">Half-life in seconds.</param>
internal sealed class DecayingCounts(int length, double halfLife)
{
    private readonly double[] _values = new double[length];
    private double _at;

    public int Length => _values.Length;

    /// <summary>The counts as they are at a time, in seconds; earlier times than the last are that one.</summary>
    public ReadOnlySpan<double> At(double now)
    {
        if (now > _at)
        {
            var factor = Math.Pow(2, (_at - now) / halfLife);
            _at = now;
            for (var i = 0; i < _values.Length; i++)
            {
                _values[i] *= factor;
            }
        }

        return _values;
    }

    /// <summary>Adds to one of them. Less than nothing is not added.</summary>
    public void Add(double now, int index, double count)
    {
        _ = At(now);
        _values[index] += Math.Max(0, count);
    }

    /// <summary>Puts others in their place.</summary>
    public void Set(double now, ReadOnlySpan<double> values)
    {
        _ = At(now);
        values.CopyTo(_values);
    }
}
