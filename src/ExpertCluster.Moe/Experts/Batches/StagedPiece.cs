namespace ExpertCluster.Moe;

/// <summary>Consecutive rows of a segment, computed in one turn.</summary>
/// <param name="Segment">Index of the segment.</param>
/// <param name="First">Its first row here.</param>
/// <param name="Rows">How many, at least 1.</param>
/// <param name="Order">Where its expert comes among those of the turn; one number for one expert.</param>
internal readonly record struct StagedPiece(int Segment, int First, int Rows, long Order) : IComparable<StagedPiece>
{
    public int CompareTo(StagedPiece other)
    {
        int order = Order.CompareTo(other.Order);
        return order != 0 ? order : Segment != other.Segment ? Segment.CompareTo(other.Segment) : First.CompareTo(other.First);
    }
}
