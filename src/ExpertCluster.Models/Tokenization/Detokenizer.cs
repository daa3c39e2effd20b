using System.Text;

namespace ExpertCluster.Models.Tokenization;

/// <summary>Decodes a sequence of ids one by one, holding back characters whose bytes are not all there yet. Not thread-safe.</summary>
public abstract class Detokenizer
{
    /// <summary>Takes the next id and appends to <paramref name="text"/> what is certain now.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is negative.</exception>
    public abstract void Push(int id, StringBuilder text);

    /// <summary>Ends the sequence: appends what was held back, as U+FFFD since it never became a whole character.</summary>
    public abstract void Flush(StringBuilder text);

    /// <summary>Decodes all of <paramref name="ids"/>.</summary>
    internal string DecodeAll(IEnumerable<int> ids)
    {
        var text = new StringBuilder();
        foreach (int id in ids) Push(id, text);
        Flush(text);
        return text.ToString();
    }
}
