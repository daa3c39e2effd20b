using ExpertCluster.Models.Generation;

namespace ExpertCluster.Models.Inspection;

/// <summary>
/// What texts would seem to tell about experts if their windows were dealt to them at random. Whole windows, not tokens: neighbours
/// resemble each other, so a text of a thousand tokens holds far fewer than a thousand independent observations.
/// </summary>
internal sealed class WindowShuffle
{
    private readonly IReadOnlyList<TraceWindow> _windows;
    private readonly int[][] _deals;
    private readonly int _files;

    public WindowShuffle(IReadOnlyList<TraceWindow> windows, int files, int shuffles, long seed)
    {
        _windows = windows;
        _files = files;
        _deals = new int[shuffles][];
        int[] dealt = [.. windows.Select(window => window.File)];
        long draw = 0;
        for (int i = 0; i < shuffles; i++)
        {
            for (int left = dealt.Length; left > 1; left--)
            {
                int other = (int)(CounterRandom.Uniform(seed, draw++) * left);
                (dealt[left - 1], dealt[other]) = (dealt[other], dealt[left - 1]);
            }

            _deals[i] = [.. dealt];
        }
    }

    /// <summary>Mutual information of text and expert.</summary>
    /// <returns>
    /// It and its mean over the shuffles; and the part of the shuffles, with the true order counted as one, that reach it (a permutation test's p).
    /// </returns>
    public (Information Information, double Reached) Measure(ReadOnlySpan<ushort> choices, int topK, int experts)
    {
        var counts = new int[_windows.Count][];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] = new int[experts];
            foreach (ushort expert in choices.Slice(_windows[i].Start * topK, _windows[i].Length * topK))
            {
                counts[i][expert]++;
            }
        }

        double bits = Bits(counts, [.. _windows.Select(window => window.File)]);
        double sum = 0;
        int reached = 1;
        foreach (int[] deal in _deals)
        {
            double shuffled = Bits(counts, deal);
            sum += shuffled;
            reached += shuffled >= bits - 1e-12 ? 1 : 0;
        }

        return (new Information(bits, sum / _deals.Length), reached / (_deals.Length + 1.0));
    }

    private double Bits(int[][] counts, int[] files)
    {
        int experts = counts[0].Length;
        var table = new long[_files, experts];
        for (int window = 0; window < counts.Length; window++)
        {
            for (int expert = 0; expert < experts; expert++)
            {
                table[files[window], expert] += counts[window][expert];
            }
        }

        var chosen = new long[experts];
        double sum = 0;
        long all = 0;
        for (int file = 0; file < _files; file++)
        {
            long taken = 0;
            for (int expert = 0; expert < experts; expert++)
            {
                long n = table[file, expert];
                sum += Hypergeometric.NLogN(n);
                chosen[expert] += n;
                taken += n;
            }

            sum -= Hypergeometric.NLogN(taken);
            all += taken;
        }

        sum += Hypergeometric.NLogN(all) - chosen.Sum(n => Hypergeometric.NLogN(n));
        return Math.Max(0, sum / Math.Max(1, all));
    }
}
