using System.Globalization;

namespace ExpertCluster.Contracts;

/// <summary>
/// One copy of one expert of a model: <c>L02/E05/r0</c>. The sharded entity and its shard carry this id. Copy numbers are never used
/// twice for the same expert, so a late message to a copy that is gone can not reach its successor.
/// </summary>
/// <param name="Layer">Zero-based model layer.</param>
/// <param name="Expert">Zero-based expert of that layer.</param>
/// <param name="Number">Which copy.</param>
public readonly record struct ReplicaId(int Layer, int Expert, int Number) : IComparable<ReplicaId>
{
    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <exception cref="FormatException">Not of the form <c>L02/E05/r0</c>.</exception>
    public static ReplicaId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a replica id of the form L02/E05/r0.");

    /// <summary>Reads what <see cref="ToString"/> writes; false when the text is not of that form.</summary>
    public static bool TryParse(string? text, out ReplicaId id)
    {
        id = default;
        var parts = text?.Split('/');
        if (parts is not [['L', ..] layer, ['E', ..] expert, ['r', ..] number]
            || !IsNumber(layer, out var l) || !IsNumber(expert, out var e) || !IsNumber(number, out var n))
        {
            return false;
        }

        id = new ReplicaId(l, e, n);
        return true;

        static bool IsNumber(string part, out int value) =>
            int.TryParse(part.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <inheritdoc/>
    public int CompareTo(ReplicaId other) => (Layer, Expert, Number).CompareTo((other.Layer, other.Expert, other.Number));

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"L{Layer:00}/E{Expert:00}/r{Number}");
}
