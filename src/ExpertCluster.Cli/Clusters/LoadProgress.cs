using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Clusters;

/// <summary>One line on standard error: redrawn on a terminal, said a few times into a pipe.</summary>
internal sealed class LoadProgress(bool quiet) : IProgress<(int Ready, int Total)>, IDisposable
{
    private readonly object _gate = new();
    private int _said = -1;
    private bool _open;

    public void Say(string text) => Write($"{text} …");

    public void Report((int Ready, int Total) value)
    {
        var percent = value.Total == 0 ? 100 : 100 * value.Ready / value.Total;

        // Into a pipe only the quarters, so that a log does not fill with it.
        if (percent == _said || (!Terminal.IsInteractive && percent / 25 == _said / 25 && _said >= 0))
        {
            return;
        }

        _said = percent;
        Write($"experts ready: {value.Ready}/{value.Total}");
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_open)
            {
                Console.Error.Write("\r\u001b[K");
            }
        }
    }

    private void Write(string text)
    {
        if (quiet)
        {
            return;
        }

        lock (_gate)
        {
            if (Terminal.IsInteractive)
            {
                Console.Error.Write($"\r\u001b[K{text}");
                _open = true;
            }
            else
            {
                Console.Error.WriteLine(text);
            }
        }
    }
}
