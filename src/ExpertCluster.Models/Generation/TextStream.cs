using System.Text;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Models.Generation;

/// <summary>
/// Turns generated ids into text as they come, and ends at a stop text. What it gives depends on the ids alone, so the same ids
/// replayed on another node give the same deltas. Not thread-safe.
/// </summary>
public sealed class TextStream
{
    private readonly Detokenizer? _detokenizer;
    private readonly string[] _stops;
    private readonly StringBuilder _incoming = new();
    private readonly StringBuilder _held = new();
    private bool _stopped;

    /// <summary>Starts a text.</summary>
    /// <param name="tokenizer">The model's tokenizer; without one all text is empty and nothing stops.</param>
    /// <param name="stops">
    /// Texts that end generation. The first to be complete counts; of several complete at the same character, the longest.
    /// </param>
    /// <param name="continuation">
    /// The ids continue a prompt: a SentencePiece tokenizer's leading space is kept, where decoding the ids by themselves drops it.
    /// </param>
    /// <exception cref="ArgumentException">A stop text is empty or has an unpaired surrogate.</exception>
    public TextStream(ITextTokenizer? tokenizer, IReadOnlyList<string> stops, bool continuation = false)
    {
        for (int i = 0; i < stops.Count; i++)
            if (stops[i].Length == 0 || !Utf8Text.IsWellFormed(stops[i]))
                throw new ArgumentException($"Stop text {i} is {(stops[i].Length == 0 ? "empty" : "not valid Unicode")}; leave it out.", nameof(stops));
        _detokenizer = tokenizer?.StartDecoding(continuation);
        _stops = [.. stops];
    }

    /// <summary>Takes the next id.</summary>
    /// <returns>The text that became final with it, and whether a stop text is complete (then, and for every later id, no more comes).</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is negative.</exception>
    public TextDelta Push(int id)
    {
        if (_detokenizer is null || _stopped) return new("", _stopped);
        _detokenizer.Push(id, _incoming);
        return new(Advance(final: false), _stopped);
    }

    /// <summary>Ends the text: gives what was held back, bytes that never became a character as U+FFFD. Empty after a stop.</summary>
    public string Flush()
    {
        if (_detokenizer is null || _stopped) return "";
        _detokenizer.Flush(_incoming);
        return Advance(final: true);
    }

    private string Advance(bool final)
    {
        // Unit by unit, so that the outcome does not depend on where tokens end.
        foreach (var chunk in _incoming.GetChunks())
        {
            foreach (char unit in chunk.Span)
            {
                _held.Append(unit);
                int cut = CompletedStop();
                if (cut == 0) continue;
                _stopped = true;
                _held.Length -= cut;
                break;
            }

            if (_stopped) break;
        }

        _incoming.Clear();
        int keep = final || _stopped ? 0 : StopBegun();
        var text = _held.ToString(0, _held.Length - keep);
        _held.Remove(0, text.Length);
        return text;
    }

    // Length of the longest stop text that the held text ends with, or 0.
    private int CompletedStop()
    {
        int longest = 0;
        foreach (var stop in _stops)
            if (stop.Length > longest && EndsWith(stop)) longest = stop.Length;
        return longest;
    }

    // Length of the longest end of the held text that begins a stop text.
    private int StopBegun()
    {
        int longest = 0;
        foreach (var stop in _stops)
        {
            for (int length = Math.Min(stop.Length - 1, _held.Length); length > longest; length--)
                if (EndsWith(stop.AsSpan(0, length))) longest = length;
        }

        return longest;
    }

    private bool EndsWith(ReadOnlySpan<char> end)
    {
        int offset = _held.Length - end.Length;
        if (offset < 0) return false;
        for (int i = end.Length - 1; i >= 0; i--)
            if (_held[offset + i] != end[i]) return false;
        return true;
    }
}
