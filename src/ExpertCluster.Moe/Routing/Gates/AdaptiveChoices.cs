namespace ExpertCluster.Moe.Routing;

/// <summary>
/// k of one task: starts small, and grows by one expert whenever the validation loss has not improved for some evaluations, until more
/// experts stop paying: a growth that brings no improvement is taken back and k stays (our reading of AdaMV-MoE's "adaptive expert selection";
/// the paper gives no constants).
/// </summary>
public sealed class AdaptiveChoices
{
    private readonly int _patience;
    private readonly double _leastGain;
    private double _best = double.PositiveInfinity;
    private int _since;
    private bool _grew;

    /// <summary>Creates it.</summary>
    /// <param name="start">First k, at least 1.</param>
    /// <param name="most">Largest k, at least <paramref name="start"/>.</param>
    /// <param name="patience">Evaluations without improvement before k changes, at least 1.</param>
    /// <param name="leastGain">Relative fall of the loss that counts as improvement.</param>
    public AdaptiveChoices(int start, int most, int patience = 3, double leastGain = 1e-3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(start, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, start);
        ArgumentOutOfRangeException.ThrowIfLessThan(patience, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(leastGain);
        (K, Most, _patience, _leastGain) = (start, most, patience, leastGain);
    }

    /// <summary>Experts per token.</summary>
    public int K { get; private set; }

    /// <summary>Largest k.</summary>
    public int Most { get; }

    /// <summary>Whether k has come to rest.</summary>
    public bool Settled { get; private set; }

    /// <summary>Takes a validation loss.</summary>
    /// <returns>Whether k changed.</returns>
    /// <exception cref="ArgumentException">The loss is NaN.</exception>
    public bool Report(double loss)
    {
        if (double.IsNaN(loss))
        {
            throw new ArgumentException("The validation loss is NaN.", nameof(loss));
        }

        if (loss < _best - (_leastGain * Math.Abs(_best)) || double.IsPositiveInfinity(_best))
        {
            (_best, _since, _grew) = (loss, 0, false);
            return false;
        }

        if (Settled || ++_since < _patience)
        {
            return false;
        }

        _since = 0;
        if (_grew)
        {
            (K, Settled) = (K - 1, true);
            return true;
        }

        if (K == Most)
        {
            Settled = true;
            return false;
        }

        (K, _grew) = (K + 1, true);
        return true;
    }
}
